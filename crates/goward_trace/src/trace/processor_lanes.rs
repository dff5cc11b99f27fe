//! What each processor ran.
//!
//! Millions of pieces: so a lane keeps only the number of the transition that ended each of them,
//! which tells the rest.

use std::iter::Peekable;

use super::event::GoState;
use super::timeline::Timeline;

/// What a processor ran for some time: begin, end, and the index of the goroutine.
pub(super) type Piece = (i64, i64, u32);

/// Pieces that are shown as one: begin, end, the goroutine of the longest, and how many they are.
pub(super) type MergedPiece = (i64, i64, u32, u32);

/// What one processor ran, piece by piece.
#[derive(Clone, Default)]
pub struct ProcessorLane {
    /// The transitions that ended the pieces, in the order of the pieces.
    endings: Vec<u32>,
    /// The pieces that the end of the trace ended.
    open: Vec<Piece>,
}

/// The lanes of all processors. Found when first asked for.
pub fn processor_lanes(timeline: &Timeline) -> &[ProcessorLane] {
    timeline
        .processor_lanes
        .get_or_init(|| find_lanes(timeline))
}

fn find_lanes(timeline: &Timeline) -> Vec<ProcessorLane> {
    let mut lanes = vec![ProcessorLane::default(); timeline.processors.min(4096) as usize];
    for (number, change) in (0..).zip(&timeline.transitions) {
        // Who runs stays on its processor until it stops.
        if let Some((GoState::Running, _)) = timeline.before(change)
            && let Some(lane) = lanes.get_mut(usize::from(change.processor))
        {
            lane.endings.push(number);
        }
    }
    for (index, goroutine) in (0..).zip(&timeline.goroutines) {
        if goroutine.state == GoState::Running
            && let Some(last) = timeline.transitions.get(goroutine.last as usize)
            && let Some(lane) = lanes.get_mut(usize::from(last.processor))
        {
            lane.open.push((goroutine.since, timeline.end, index));
        }
    }
    for lane in &mut lanes {
        // What a processor runs follows each other, so it is sorted but in broken traces.
        let piece = |&ending: &u32| ended_piece(timeline, ending);
        if !lane.endings.is_sorted_by_key(piece) {
            lane.endings.sort_by_key(piece);
        }
        lane.open.sort_unstable();
    }
    lanes
}

fn ended_piece(timeline: &Timeline, ending: u32) -> Piece {
    let change = &timeline.transitions[ending as usize];
    let since = timeline
        .before(change)
        .map_or(change.time, |(_, since)| since);
    (since, change.time, change.goroutine)
}

impl ProcessorLane {
    /// How many pieces there are.
    pub fn len(&self) -> usize {
        self.endings.len() + self.open.len()
    }

    /// Whether the processor ran nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All pieces in order.
    pub fn pieces(&self, timeline: &Timeline) -> impl Iterator<Item = Piece> {
        let ended = self
            .endings
            .iter()
            .map(move |&ending| ended_piece(timeline, ending));
        InOrder {
            ended: ended.peekable(),
            open: self.open.iter().copied().peekable(),
        }
    }

    /// At most `limit` pieces: idle gaps and other goroutines that are too short to be seen go to the
    /// longest neighbour.
    pub fn merged(&self, timeline: &Timeline, limit: usize) -> Vec<MergedPiece> {
        let window = timeline.end - timeline.start;
        let pieces = self
            .pieces(timeline)
            .map(|(begin, end, goroutine)| (begin, end, goroutine, 1));
        let mut resolution = (window / (limit.max(1) as i64 * 4)).max(1);
        if self.len() <= limit || resolution >= window {
            return pieces.collect();
        }
        let mut merged = merge_at(pieces, resolution);
        resolution *= 2;
        while merged.len() > limit && resolution < window {
            merged = merge_at(merged.into_iter(), resolution);
            resolution *= 2;
        }
        merged
    }
}

fn merge_at(pieces: impl Iterator<Item = MergedPiece>, resolution: i64) -> Vec<MergedPiece> {
    let mut merged: Vec<MergedPiece> = Vec::new();
    let mut weight = 0;
    for piece in pieces {
        match merged.last_mut() {
            Some(last) if piece.0 - last.1 < resolution && piece.1 - last.0 < 2 * resolution => {
                if piece.1 - piece.0 > weight {
                    weight = piece.1 - piece.0;
                    last.2 = piece.2;
                }
                last.1 = piece.1;
                last.3 = last.3.saturating_add(piece.3);
            }
            _ => {
                weight = piece.1 - piece.0;
                merged.push(piece);
            }
        }
    }
    merged
}

/// The pieces of two sorted sequences in order.
struct InOrder<A: Iterator, B: Iterator> {
    ended: Peekable<A>,
    open: Peekable<B>,
}

impl<A: Iterator<Item = Piece>, B: Iterator<Item = Piece>> Iterator for InOrder<A, B> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        match (self.ended.peek(), self.open.peek()) {
            (Some(ended), Some(open)) if open < ended => self.open.next(),
            (Some(_), _) => self.ended.next(),
            (None, _) => self.open.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_too_short_to_be_seen_go_to_the_longest_neighbour() {
        let pieces = [(0, 4, 1, 1), (5, 9, 2, 1), (9, 15, 3, 2), (40, 50, 4, 1)];
        assert_eq!(
            merge_at(pieces.into_iter(), 10),
            [(0, 15, 3, 4), (40, 50, 4, 1)]
        );
        assert_eq!(merge_at(pieces.into_iter(), 1), pieces);
    }

    #[test]
    fn what_the_end_of_the_trace_ended_stands_where_it_began() {
        let ended = [(1, 3, 0), (5, 6, 1), (9, 10, 2)];
        let open = [(0, 12, 3), (5, 12, 4), (11, 12, 5)];
        let order: Vec<u32> = InOrder {
            ended: ended.into_iter().peekable(),
            open: open.into_iter().peekable(),
        }
        .map(|piece| piece.2)
        .collect();
        assert_eq!(order, [3, 0, 1, 4, 2, 5]);
    }
}
