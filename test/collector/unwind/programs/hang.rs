// Threads that wait in the middle of Rust: for a mutex, in a closure below a sort, in a destructor while a panic unwinds.
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

static ARRIVED: AtomicUsize = AtomicUsize::new(0);

#[inline(never)]
fn wait_here() {
    ARRIVED.fetch_add(1, Ordering::SeqCst);
    loop {
        thread::park();
    }
}

struct Waits(String);

impl Drop for Waits {
    fn drop(&mut self) {
        wait_here();
    }
}

#[inline(never)]
fn deeper(depth: usize, waits: &Waits) -> usize {
    if depth == 0 {
        panic!("{}", waits.0);
    }
    deeper(depth - 1, waits) + 1
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let lock = Arc::new(Mutex::new(0));
    let held = lock.lock();
    let own = lock.clone();
    thread::spawn(move || {
        ARRIVED.fetch_add(1, Ordering::SeqCst);
        *own.lock().unwrap() += 1;
    });
    thread::spawn(|| {
        let mut numbers: Vec<u64> = (0..100).map(|n| (n * 37) % 101).collect();
        numbers.sort_by_key(|number| if *number == 50 { wait_here(); 0 } else { *number });
    });
    thread::spawn(|| {
        let waits = Waits("why".to_string());
        deeper(3, &waits);
    });
    while ARRIVED.load(Ordering::SeqCst) < 3 {
        thread::yield_now();
    }
    println!("ready");
    std::io::stdout().flush().unwrap();
    wait_here();
    drop(held);
}
