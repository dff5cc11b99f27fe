//! What is put into order ahead of its turn must give the same as if it were not, wherever that ends and
//! whatever is wrong with the trace.

use super::*;

/// How often the beginnings of generations are put into order ahead.
#[derive(Clone, Copy)]
enum Ahead {
    Never,
    Blocks(usize),
}

/// All events, the verdict, and how far the trace is good.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<(Event, Vec<u8>)>,
    failure: Option<Failure>,
    good_bytes: u64,
}

fn read(bytes: &[u8], ahead: Ahead) -> Result<(Outcome, [usize; 2]), Failure> {
    let batches = BatchReader::new(Box::new(std::io::Cursor::new(bytes.to_vec())))?;
    let version = batches.version();
    let source = match ahead {
        Ahead::Never => Source::SameThread(batches),
        Ahead::Blocks(blocks) => Source::Stepwise {
            batches,
            spare: Some(Box::default()),
            blocks,
        },
    };
    let mut reader = Reader::with_source(source, version);
    let mut outcome = Outcome {
        events: Vec::new(),
        failure: None,
        good_bytes: 0,
    };
    loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                let mut event = *event;
                let mut name = Vec::new();
                if event.kind == wire::USER_TASK_END {
                    name.extend_from_slice(reader.ended_task_name(&event));
                    event.arguments[3] = 0;
                }
                outcome.events.push((event, name));
            }
            Ok(None) => break,
            Err(failure) => {
                outcome.failure = Some(failure);
                break;
            }
        }
    }
    outcome.good_bytes = reader.good_bytes();
    assert_eq!(reader.next_event(), Ok(None));
    Ok((outcome, reader.engine.adopted))
}

fn compare(name: &str, bytes: &[u8], adopted: &mut [usize; 2]) {
    let expected = read(bytes, Ahead::Never).map(|(outcome, _)| outcome);
    for blocks in [1, 2, 3, 5, 1000] {
        let found = read(bytes, Ahead::Blocks(blocks)).map(|(outcome, counts)| {
            adopted[0] += counts[0];
            adopted[1] += counts[1];
            outcome
        });
        if found == expected {
            continue;
        }
        if let (Ok(found), Ok(expected)) = (&found, &expected) {
            let mut pairs = found.events.iter().zip(&expected.events);
            if let Some(place) = pairs.position(|(found, expected)| found != expected) {
                panic!(
                    "{name}, {blocks} blocks: event {place} is {:?} instead of {:?}",
                    found.events[place], expected.events[place]
                );
            }
            panic!(
                "{name}, {blocks} blocks: {} events, {:?}, instead of {} events, {:?}",
                found.events.len(),
                found.failure,
                expected.events.len(),
                expected.failure
            );
        }
        panic!("{name}, {blocks} blocks: not the same verdict");
    }
}

fn trace_of_many_generations() -> Vec<u8> {
    include_bytes!("../../../tests/traces/generations-go126.trace").to_vec()
}

#[test]
fn what_is_put_into_order_ahead_of_its_turn_is_the_same() {
    let mut adopted = [0; 2];
    compare("the trace", &trace_of_many_generations(), &mut adopted);
    // The first one has nothing before it, and the last one says that there is no other.
    assert!(adopted[0] > 5 * adopted[1], "{adopted:?}");
}

#[test]
fn changed_and_cut_traces_get_the_same_verdict_ahead_of_their_turn() {
    let bytes = trace_of_many_generations();
    let mut random = 88_172_645_463_325_252u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % limit
    };
    let mut adopted = [0; 2];
    for round in 0..60 {
        let mut changed = bytes.clone();
        if round % 4 == 0 {
            changed.truncate(next(bytes.len()));
        }
        for _ in 0..1 + next(3) {
            let place = next(changed.len());
            changed[place] = match next(3) {
                0 => next(256) as u8,
                // A number that is a little larger often goes unnoticed for a while.
                more => changed[place].wrapping_add(more as u8),
            };
        }
        compare(&format!("change {round}"), &changed, &mut adopted);
    }
    assert!(adopted[0] > adopted[1], "{adopted:?}");
}
