//! What is paid for: the units of the price table, their sides, tiers and what they fall back to.

use std::fmt;

macro_rules! units {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal,)+) => {
        /// What is counted and paid. The order is the code in the price table: append only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Unit { $($(#[doc = $doc])+ $variant,)+ }

        impl Unit {
            /// All units in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name in `prices/models.jsonl`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

units! {
    /// Prompt tokens of text, neither read from nor written to a cache.
    Input "input",
    /// Prompt tokens read from a cache.
    CacheRead "cache_read",
    /// Prompt tokens written to a cache, for 5 minutes where a provider tells them apart.
    CacheWrite "cache_write",
    /// Prompt tokens written to a cache for an hour.
    CacheWrite1h "cache_write_1h",
    /// Prompt tokens written to a cache for more than 12 hours.
    CacheWrite12h "cache_write_12h",
    /// Prompt tokens of audio.
    InputAudio "input_audio",
    /// Prompt tokens of images.
    InputImage "input_image",
    /// Prompt tokens of video.
    InputVideo "input_video",
    /// Prompt tokens of audio read from a cache.
    CacheReadAudio "cache_read_audio",
    /// Prompt tokens of images read from a cache.
    CacheReadImage "cache_read_image",
    /// Prompt tokens of audio written to a cache.
    CacheWriteAudio "cache_write_audio",
    /// Answer tokens of text.
    Output "output",
    /// Answer tokens of reasoning.
    Reasoning "reasoning",
    /// Answer tokens of audio.
    OutputAudio "output_audio",
    /// Answer tokens of images.
    OutputImage "output_image",
    /// Answer tokens of video.
    OutputVideo "output_video",
    /// Tokens of cited sources, where a provider bills them apart.
    Citation "citation",
    /// The call itself.
    Request "request",
    /// The call itself with a small search context.
    RequestLow "request_low",
    /// The call itself with a medium search context.
    RequestMedium "request_medium",
    /// The call itself with a large search context.
    RequestHigh "request_high",
    /// Web searches.
    WebSearch "web_search",
    /// Web searches with a small context.
    WebSearchLow "web_search_low",
    /// Web searches with a medium context.
    WebSearchMedium "web_search_medium",
    /// Web searches with a large context.
    WebSearchHigh "web_search_high",
    /// The call, once, if it searched at all.
    GroundedPrompt "grounded_prompt",
    /// Queries of a map.
    MapsQuery "maps_query",
    /// Queries of a search or rerank model (a search unit).
    Query "query",
    /// Searches of stored files.
    FileSearch "file_search",
    /// Sessions of a code interpreter.
    CodeSession "code_session",
    /// Messages of text in a voice session.
    TextMessage "text_message",
    /// Images given.
    ImageIn "image_in",
    /// Images made.
    ImageOut "image_out",
    /// Images made at 512.
    ImageOut512 "image_out_512",
    /// Images made at 1024.
    ImageOut1024 "image_out_1024",
    /// Images made at 1536.
    ImageOut1536 "image_out_1536",
    /// Images made at 0.5K.
    ImageOutHalfK "image_out_0.5k",
    /// Images made at 1K.
    ImageOut1K "image_out_1k",
    /// Images made at 2K.
    ImageOut2K "image_out_2k",
    /// Images made at 4K.
    ImageOut4K "image_out_4k",
    /// Pixels given.
    PixelIn "pixel_in",
    /// Pixels made.
    PixelOut "pixel_out",
    /// Characters given (speech).
    CharacterIn "character_in",
    /// Characters made.
    CharacterOut "character_out",
    /// Pages of a document.
    Page "page",
    /// Pages of a document that are annotated as well.
    AnnotatedPage "annotated_page",
    /// Credits of a document service.
    Credit "credit",
    /// Seconds given (transcription).
    SecondIn "second_in",
    /// Seconds made (video, speech).
    SecondOut "second_out",
    /// Seconds of video made at 480p.
    SecondOut480p "second_out_480p",
    /// Seconds of video made at 720p.
    SecondOut720p "second_out_720p",
    /// Seconds of video made at 768p.
    SecondOut768p "second_out_768p",
    /// Seconds of video made at 1080p.
    SecondOut1080p "second_out_1080p",
    /// Seconds of video made at 2K.
    SecondOut2k "second_out_2k",
    /// Seconds of video made at 4K.
    SecondOut4k "second_out_4k",
    /// Seconds of audio in a prompt.
    AudioSecondIn "audio_second_in",
    /// Seconds of video in a prompt.
    VideoSecondIn "video_second_in",
    /// Seconds of provisioned throughput.
    ProvisionedSecond "provisioned_second",
    /// Not a price but a factor: data processed in the United States.
    TimesUs "times_us",
    /// Not a price but a factor: data processed in the European Union.
    TimesEu "times_eu",
    /// Not a price but a factor: inference pinned to the United States.
    TimesGeoUs "times_geo_us",
    /// Not a price but a factor: a regional endpoint instead of the global one.
    TimesRegional "times_regional",
    /// Not a price but a factor: fast mode.
    TimesFast "times_fast",
}

/// Where a unit stands on the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// What was sent.
    Input,
    /// What was answered.
    Output,
    /// What was read from a cache.
    CacheRead,
    /// What was written to a cache.
    CacheCreation,
    /// Reasoning.
    Reasoning,
    /// Tools that the provider runs.
    ToolUsage,
    /// Everything else.
    Other,
}

impl Unit {
    /// The unit of a code of the price table.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The unit of a name of `prices/models.jsonl`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| unit.name() == name)
    }

    /// Whether these are tokens of the prompt.
    pub fn is_prompt_token(self) -> bool {
        self <= Self::CacheWriteAudio
    }

    /// Whether these are tokens of the answer. Citations are: they come with it, and a bound on the answer bounds them.
    pub fn is_answer_token(self) -> bool {
        (Self::Output..=Self::Citation).contains(&self)
    }

    /// Whether these are tokens at all; regional and speed factors apply to tokens only.
    pub fn is_token(self) -> bool {
        self <= Self::Citation
    }

    /// Whether this is a factor rather than a price.
    pub fn is_factor(self) -> bool {
        self >= Self::TimesUs
    }

    /// Where the unit stands on the bill.
    pub fn item(self) -> Item {
        match self {
            Self::CacheRead | Self::CacheReadAudio | Self::CacheReadImage => Item::CacheRead,
            Self::CacheWrite | Self::CacheWrite1h | Self::CacheWrite12h | Self::CacheWriteAudio => Item::CacheCreation,
            Self::Reasoning => Item::Reasoning,
            Self::Input
            | Self::InputAudio
            | Self::InputImage
            | Self::InputVideo
            | Self::ImageIn
            | Self::PixelIn
            | Self::CharacterIn
            | Self::SecondIn
            | Self::AudioSecondIn
            | Self::VideoSecondIn
            | Self::TextMessage => Item::Input,
            Self::Output
            | Self::OutputAudio
            | Self::OutputImage
            | Self::OutputVideo
            | Self::PixelOut
            | Self::CharacterOut => Item::Output,
            unit if (Self::ImageOut..=Self::ImageOut4K).contains(&unit) => Item::Output,
            unit if (Self::SecondOut..=Self::SecondOut4k).contains(&unit) => Item::Output,
            unit if (Self::RequestLow..=Self::MapsQuery).contains(&unit) => Item::ToolUsage,
            Self::FileSearch | Self::CodeSession => Item::ToolUsage,
            _ => Item::Other,
        }
    }

    /// What a unit without a price of its own is paid as, and whether that is a guess.
    ///
    /// Cache reads and writes without a price are billed as prompt, reasoning as answer: providers say so. That audio
    /// costs what text costs is a guess.
    pub fn paid_as(self) -> Option<(Self, bool)> {
        Some(match self {
            Self::CacheRead | Self::CacheWrite => (Self::Input, false),
            Self::CacheWrite1h | Self::CacheWrite12h => (Self::CacheWrite, false),
            Self::InputAudio | Self::InputImage | Self::InputVideo => (Self::Input, true),
            Self::CacheReadAudio | Self::CacheReadImage => (Self::CacheRead, true),
            Self::CacheWriteAudio => (Self::CacheWrite, true),
            Self::Reasoning => (Self::Output, false),
            Self::OutputAudio | Self::OutputImage | Self::OutputVideo => (Self::Output, true),
            Self::WebSearchLow | Self::WebSearchMedium | Self::WebSearchHigh => (Self::WebSearch, false),
            unit if (Self::ImageOut512..=Self::ImageOut4K).contains(&unit) => (Self::ImageOut, true),
            unit if (Self::SecondOut480p..=Self::SecondOut4k).contains(&unit) => (Self::SecondOut, true),
            Self::AnnotatedPage => (Self::Page, true),
            Self::AudioSecondIn => (Self::SecondIn, true),
            _ => return None,
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a request is served. The order is the code in the price table: append only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// As usual.
    #[default]
    Standard,
    /// In a batch, some time within a day.
    Batch,
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
    /// Fast.
    Fast,
    /// Faster.
    Ultrafast,
    /// Between flex and priority.
    Balanced,
    /// Decisions instead of text.
    Decisions,
}

impl Tier {
    /// All tiers in the order of their codes.
    pub const ALL: &'static [Self] = &[
        Self::Standard,
        Self::Batch,
        Self::Flex,
        Self::Priority,
        Self::Fast,
        Self::Ultrafast,
        Self::Balanced,
        Self::Decisions,
    ];

    /// The tier of a code of the price table.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The name in `prices/models.jsonl`, and as a `service_tier`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Fast => "fast",
            Self::Ultrafast => "ultrafast",
            Self::Balanced => "balanced",
            Self::Decisions => "decisions",
        }
    }

    /// The tier that a `service_tier` names; `None` when it is not known.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            // What the answer says when nothing special was asked, in the words of several providers.
            "" | "auto" | "default" | "on_demand" | "standard_only" => Some(Self::Standard),
            _ => Self::ALL.iter().copied().find(|tier| tier.name().eq_ignore_ascii_case(name)),
        }
    }
}
