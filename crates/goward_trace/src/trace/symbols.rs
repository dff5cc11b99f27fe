//! Strings, frames and stacks with numbers that hold for the whole trace.
//!
//! In the file they are numbered anew in every generation.

use rustc_hash::FxHashMap;

use super::exception;
use super::generation::Generation;
use super::texts::Texts;

/// Number of a string; 0 is the empty one.
pub type StringId = u32;
/// Number of a stack; 0 is the empty one.
pub type StackId = u32;
/// Number of a frame.
pub type FrameId = u32;

/// A function at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub function: StringId,
    pub file: StringId,
    pub line: u32,
}

/// All strings, frames and stacks of a trace, each once but for the messages of logs.
pub struct Symbols {
    strings: Texts,
    frames: Vec<Place>,
    frame_index: FxHashMap<Place, FrameId>,
    stacks: Vec<Box<[FrameId]>>,
    stack_index: FxHashMap<Box<[FrameId]>, StackId>,
    /// For each stack whether it has a frame of a panic or a cancellation.
    telling: Vec<bool>,
    /// For the present generation: its string and stack numbers to ours.
    generation: u64,
    own_strings: Own,
    own_messages: Own,
    own_stacks: Own,
}

/// Numbers below this are looked up in a flat vector: real traces have no others.
const NEAR: u64 = 1 << 20;

/// From the numbers of a generation to ours.
#[derive(Default)]
struct Own {
    /// Our numbers plus one, 0 where none is known.
    near: Vec<u32>,
    far: FxHashMap<u64, u32>,
}

impl Own {
    #[inline]
    fn get(&self, id: u64) -> Option<u32> {
        match self.near.get(id as usize) {
            Some(&own) if id < NEAR => own.checked_sub(1),
            _ => self.get_far(id),
        }
    }

    fn get_far(&self, id: u64) -> Option<u32> {
        if self.far.is_empty() {
            return None;
        }
        self.far.get(&id).copied()
    }

    fn set(&mut self, id: u64, own: u32) {
        if id >= NEAR {
            self.far.insert(id, own);
            return;
        }
        if self.near.len() <= id as usize {
            self.near.resize(id as usize + 1, 0);
        }
        self.near[id as usize] = own + 1;
    }

    fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
    }
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Symbols {
            strings: Texts::default(),
            frames: Vec::new(),
            frame_index: FxHashMap::default(),
            stacks: vec![Box::default()],
            stack_index: FxHashMap::default(),
            telling: vec![false],
            generation: u64::MAX,
            own_strings: Own::default(),
            own_messages: Own::default(),
            own_stacks: Own::default(),
        };
        symbols.intern("");
        symbols
    }
}

impl Symbols {
    /// The text of a string.
    pub fn text(&self, id: StringId) -> &str {
        self.strings.get(id)
    }

    /// The frame with this number.
    pub fn place(&self, id: FrameId) -> Place {
        self.frames[id as usize]
    }

    /// The function's name at a frame.
    pub fn function(&self, id: FrameId) -> &str {
        self.text(self.frames[id as usize].function)
    }

    /// The frames of a stack, innermost first.
    pub fn stack(&self, id: StackId) -> &[FrameId] {
        self.stacks.get(id as usize).map_or(&[], |stack| stack)
    }

    /// Whether a stack is inside a panic or a cancellation.
    #[inline]
    pub(crate) fn tells_exception(&self, id: StackId) -> bool {
        self.telling.get(id as usize).copied().unwrap_or(false)
    }

    pub fn stack_count(&self) -> usize {
        self.stacks.len()
    }

    pub fn string_count(&self) -> usize {
        self.strings.len()
    }

    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// The number of a text.
    pub fn intern(&mut self, text: &str) -> StringId {
        self.strings.intern(text)
    }

    fn enter(&mut self, generation: &Generation) {
        if self.generation != generation.number {
            self.generation = generation.number;
            self.own_strings.clear();
            self.own_messages.clear();
            self.own_stacks.clear();
        }
    }

    /// Our number of a generation's string. Bytes that are not UTF-8 are replaced.
    pub(crate) fn string_of(&mut self, generation: &Generation, id: u64) -> StringId {
        if id == 0 {
            return 0;
        }
        self.enter(generation);
        if let Some(own) = self.own_strings.get(id) {
            return own;
        }
        let text = String::from_utf8_lossy(generation.string(id).unwrap_or_default());
        let own = self.intern(&text);
        self.own_strings.set(id, own);
        own
    }

    /// As [`Symbols::string_of`] for a text that comes once as a rule: the same text of two
    /// generations may have two numbers.
    pub(crate) fn message_of(&mut self, generation: &Generation, id: u64) -> StringId {
        if id == 0 {
            return 0;
        }
        self.enter(generation);
        if let Some(own) = self.own_messages.get(id) {
            return own;
        }
        let text = String::from_utf8_lossy(generation.string(id).unwrap_or_default());
        let own = self.strings.append(&text);
        self.own_messages.set(id, own);
        own
    }

    /// Our number of a generation's stack.
    #[inline]
    pub(crate) fn stack_of(&mut self, generation: &Generation, id: u64) -> StackId {
        if id == 0 {
            return 0;
        }
        self.enter(generation);
        if let Some(own) = self.own_stacks.get(id) {
            return own;
        }
        self.new_stack_of(generation, id)
    }

    fn new_stack_of(&mut self, generation: &Generation, id: u64) -> StackId {
        let indexes = generation.stack_frame_indexes(id).unwrap_or_default();
        let mut frames = Vec::with_capacity(indexes.len());
        for &index in indexes {
            let frame = *generation.frame(index);
            let place = Place {
                function: self.string_of(generation, frame.function),
                file: self.string_of(generation, frame.file),
                line: u32::try_from(frame.line).unwrap_or(u32::MAX),
            };
            let next = self.frames.len() as FrameId;
            let number = *self.frame_index.entry(place).or_insert(next);
            if number == next {
                self.frames.push(place);
            }
            frames.push(number);
        }
        let own = match self.stack_index.get(frames.as_slice()) {
            Some(&own) => own,
            None if frames.is_empty() => 0,
            None => {
                let own = self.stacks.len() as StackId;
                let functions = || frames.iter().map(|&frame| self.function(frame));
                let tells = functions().any(exception::is_panic) || exception::cancels(functions());
                self.telling.push(tells);
                self.stacks.push(frames.clone().into());
                self.stack_index.insert(frames.into(), own);
                own
            }
        };
        self.own_stacks.set(id, own);
        own
    }
}
