//! Counts of what the runs did.

/// What a run did: each count must be more than a few, or the run proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) granted: u64,
    pub(crate) clamped: u64,
    pub(crate) refused: u64,
    pub(crate) repeated: u64,
    pub(crate) settled: u64,
    pub(crate) over_bound: u64,
    pub(crate) late: u64,
    pub(crate) released: u64,
    pub(crate) progressed: u64,
    pub(crate) expired: u64,
    pub(crate) crashed: u64,
    pub(crate) lost: u64,
    pub(crate) edited: u64,
    pub(crate) evicted: u64,
}

impl Tally {
    pub(crate) fn kinds(&self) -> [(&'static str, u64); 14] {
        [
            ("granted", self.granted),
            ("clamped", self.clamped),
            ("refused", self.refused),
            ("repeated", self.repeated),
            ("settled", self.settled),
            ("over bound", self.over_bound),
            ("late", self.late),
            ("released", self.released),
            ("progressed", self.progressed),
            ("expired", self.expired),
            ("crashed", self.crashed),
            ("lost", self.lost),
            ("edited", self.edited),
            ("evicted", self.evicted),
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.granted += other.granted;
        self.clamped += other.clamped;
        self.refused += other.refused;
        self.repeated += other.repeated;
        self.settled += other.settled;
        self.over_bound += other.over_bound;
        self.late += other.late;
        self.released += other.released;
        self.progressed += other.progressed;
        self.expired += other.expired;
        self.crashed += other.crashed;
        self.lost += other.lost;
        self.edited += other.edited;
        self.evicted += other.evicted;
    }
}
