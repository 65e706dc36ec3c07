use model::config::{Logs, Size};
use model::event::{self, Event};

use super::*;
use crate::{Cursor, Log, LogReader, LogSink};

fn sink(scratch: &Scratch, size: u64, keep: u32) -> (LogSink, LogReader) {
    let sink = LogSink::open(scratch.path(), Echo::Off).unwrap();
    sink.configure(&Logs { rotate_size: Size(size), keep });
    (sink, LogReader::new(scratch.path().to_owned()))
}

fn failed(number: i64) -> Event {
    Event::new(&event::AUTHENTICATION_FAILED, Wall::from_millis(number * 1_000)).with("account", number)
}

fn accounts(lines: &[crate::LogLine]) -> Vec<i64> {
    let number = |line: &crate::LogLine| line.text.rsplit('=').next().unwrap().parse().unwrap();
    lines.iter().map(number).collect()
}

#[test]
fn an_event_is_a_line_in_the_logs_of_its_class_and_level() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 1_000_000, 3);
    sink.write(failed(7));
    sink.flush();
    for log in [Log::Security, Log::Warning] {
        let (lines, _) = reader.tail(log, None, 10).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].line(), failed(7).line());
        assert!(lines[0].text.starts_with("Authentication failed account=7"));
    }
    assert_eq!(reader.tail(Log::Error, None, 10).unwrap(), (Vec::new(), Cursor::default()));
}

#[test]
fn files_are_rotated_by_size_and_only_so_many_are_kept() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 1_000, 3);
    for number in 0..400 {
        sink.write(failed(number));
        sink.flush();
    }
    let names: Vec<String> = (1..6).map(|age| format!("security.log.{age}")).collect();
    let there: Vec<bool> = names.iter().map(|name| scratch.file(name).exists()).collect();
    assert_eq!(there, [true, true, true, false, false]);
    for name in &names[..3] {
        let size = fs::metadata(scratch.file(name)).unwrap().len();
        assert!((1_000..1_200).contains(&size), "{name}: {size}");
    }
    let (lines, _) = reader.tail(Log::Security, None, 5).unwrap();
    assert_eq!(accounts(&lines), [395, 396, 397, 398, 399]);
    let (lines, _) = reader.tail(Log::Security, Some(Wall::from_millis(398_000)), 100).unwrap();
    assert_eq!(accounts(&lines), [398, 399]);
}

#[test]
fn a_follower_misses_no_line_over_rotations() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 1_000, 50);
    sink.write(failed(0));
    sink.flush();
    let (_, mut cursor) = reader.tail(Log::Security, None, 10).unwrap();
    let mut seen = Vec::new();
    for number in 1..200 {
        sink.write(failed(number));
        if number % 23 == 0 {
            sink.flush();
            seen.extend(accounts(&reader.after(Log::Security, &mut cursor).unwrap()));
        }
    }
    sink.flush();
    seen.extend(accounts(&reader.after(Log::Security, &mut cursor).unwrap()));
    assert_eq!(seen, (1..200).collect::<Vec<_>>());
    assert!(reader.after(Log::Security, &mut cursor).unwrap().is_empty());
}

#[test]
fn a_follower_of_a_log_that_is_not_there_yet_sees_its_first_line() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 1_000_000, 3);
    let (_, mut cursor) = reader.tail(Log::Security, None, 10).unwrap();
    sink.write(failed(1));
    sink.flush();
    assert_eq!(accounts(&reader.after(Log::Security, &mut cursor).unwrap()), [1]);
}

#[test]
fn a_flood_is_dropped_counted_and_told_and_nobody_waits() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 100_000_000, 1);
    let sent = 400_000_u64;
    for number in 0..sent {
        sink.write(failed(number as i64));
    }
    sink.flush();
    let written: usize = fs::read_to_string(scratch.file("security.log")).unwrap().lines().count();
    assert_eq!(written as u64 + sink.dropped(), sent);
    assert!(sink.dropped() > 0);
    let (lines, _) = reader.tail(Log::Warning, None, crate::MAX_TAIL).unwrap();
    assert!(lines.iter().any(|line| line.event == event::LOG_LINES_LOST.name));
}

#[test]
fn a_scanner_s_noise_does_not_push_out_what_is_about_security() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 100_000_000, 1);
    for round in 0..200 {
        // Fewer than the queue takes, and more than the share of noise: whatever the writer takes meanwhile.
        for _ in 0..4_000 {
            sink.write(Event::new(&event::MALFORMED, Wall::from_millis(0)));
        }
        sink.write(failed(round));
    }
    sink.flush();
    assert!(sink.dropped() > 0);
    assert_eq!(accounts(&reader.tail(Log::Security, None, 1_000).unwrap().0), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_closed_sink_has_written_everything() {
    let scratch = Scratch::new();
    let (sink, reader) = sink(&scratch, 1_000_000, 3);
    for number in 0..100 {
        sink.write(failed(number));
    }
    sink.close();
    assert_eq!(reader.tail(Log::Security, None, 1_000).unwrap().0.len(), 100);
}
