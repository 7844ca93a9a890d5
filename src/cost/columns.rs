//! Bytes of the price table: varints, records and columns, every offset checked.

/// Records between two places where one starts whole.
pub(crate) const GROUP: usize = 16;

/// Reads from the front; `None` at the end of the bytes and after anything malformed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A little-endian number of `width` bytes, at most 8.
    pub(crate) fn little(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number of 7 bits a byte, the low ones first.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Records that follow one another: how many, where every 16th starts, then each with its length in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a> {
    count: usize,
    starts: &'a [u8],
    body: &'a [u8],
}

impl<'a> Records<'a> {
    pub(crate) fn new(section: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(section);
        let count = cursor.little(3)? as usize;
        let starts = cursor.take(count.div_ceil(GROUP) * 3)?;
        Some(Self { count, starts, body: cursor.0 })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn groups(&self) -> usize {
        self.count.div_ceil(GROUP)
    }

    /// A reader of the records from the start of a group on; it knows nothing of where the group ends.
    pub(crate) fn group(&self, group: usize) -> Option<RecordReader<'a>> {
        let start = Cursor(self.starts.get(group * 3..)?).little(3)? as usize;
        Some(RecordReader(Cursor(self.body.get(start..)?)))
    }

    /// All records, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        RecordReader(Cursor(self.body)).take(self.count)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        if index >= self.count {
            return None;
        }
        let mut reader = self.group(index / GROUP)?;
        for _ in 0..index % GROUP {
            reader.next()?;
        }
        reader.next()
    }
}

/// Reads one record after the other.
pub(crate) struct RecordReader<'a>(Cursor<'a>);

impl<'a> Iterator for RecordReader<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = self.0.size()?;
        self.0.take(length)
    }
}

/// A number for each model: a plane of low bytes, then one of high bytes.
pub(crate) fn column(section: &[u8], models: usize, index: usize) -> Option<usize> {
    let mut number = 0;
    for plane in 0..section.len().checked_div(models)? {
        number |= usize::from(*section.get(plane * models + index)?) << (8 * plane);
    }
    Some(number)
}

/// FNV-1a, 64 bits: finds a table that was cut or damaged, not one that was forged.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
