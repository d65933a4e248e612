import { readFileSync } from 'node:fs'
import t from 'tap'
import type { ProcessTrace, SameStack } from '../../../../agent/collector/kept-stacks/process-trace.ts'
import type { HungThread } from '../../../../agent/collector/processes/hangs.ts'
import { type Crash, crashFingerprint } from '../../../../agent/collector/sources/traces/crash-files.ts'
import { fingerprintOf, plainFrames } from '../../../../agent/collector/sources/traces/fingerprint.ts'
import { hangFingerprints } from '../../../../agent/collector/sources/traces/hang-fingerprints.ts'
import { ownFunction, type PlainFrame } from '../../../../agent/collector/sources/traces/own-function.ts'
import type { NamedFrame } from '../../../../agent/collector/unwind/frame.ts'
import type { Image } from '../../../../agent/collector/unwind/image.ts'
import { FINGERPRINT } from '../../../../agent/words/fingerprint.ts'

const SHOP = '/opt/shop/releases/7/shop'

t.test('what FINGERPRINT.md promises never changes within a version', async (t) => {
  const golden = new URL('golden/fingerprints.json', import.meta.url)
  const cases: { name: string; frames: PlainFrame[]; own: string[]; fingerprint?: string }[] = JSON.parse(
    readFileSync(golden, 'utf8'),
  )
  t.ok(cases.length >= 6)
  for (const { name, frames, own, fingerprint } of cases) {
    t.strictSame([...new Set(frames.flatMap((frame) => ownFunction(frame) ?? []))], own, name)
    t.equal(fingerprintOf([frames]), fingerprint, name)
    if (fingerprint !== undefined) t.match(fingerprint, FINGERPRINT)
  }
})

t.test('machinery of runtimes is nobody’s own, in their files and in static programs', async (t) => {
  const files = [
    ...['/usr/lib/x86_64-linux-gnu/libc.so.6', '/lib/libc-2.31.so', '/lib64/ld-linux-x86-64.so.2', '[vdso]'],
    ...['/lib/ld-musl-x86_64.so.1', '/lib/ld-2.31.so', '/lib/libpthread-2.31.so', '/usr/lib/libstdc++.so.6.0.30'],
    ...[
      '/lib/libgcc_s.so.1',
      '/usr/lib/libc++abi.so.1',
      '/usr/lib/libasan.so.8 (deleted)',
      'libm.so.6',
      'n/libdl.so.2',
    ],
    ...['/usr/lib/libjemalloc.so.2', '/usr/lib/libtcmalloc_minimal.so.4', '/lib/ld-linux-aarch64.so.1'],
  ]
  for (const module of files) t.equal(ownFunction({ module, function: 'f' }), undefined, module)
  for (const module of [
    '/opt/libcurl.so.4',
    '/opt/libmagic.so.1',
    '/opt/ld-tool',
    '/opt/libgomp.so.1',
    '/opt/libccc.so',
  ])
    t.ok(ownFunction({ module, function: 'f' }), module)
  const machinery = [
    ...[
      '_start',
      '__libc_start_main',
      '__libc_start_call_main',
      'start_thread',
      'clone3',
      '__clone3',
      'raise',
      'abort',
    ],
    ...[
      '__pthread_kill_implementation',
      'pthread_cond_wait@plt',
      'pthread_mutex_lock',
      '__lll_lock_wait',
      'futex_wait',
    ],
    ...[
      '__assert_fail',
      '__assert_fail_base.cold',
      '__fortify_fail',
      '__stack_chk_fail',
      'malloc_printerr',
      'nanosleep',
    ],
    ...['__syscall_cp_c', '__timedwait_cp', '__wait', 'a_crash', 'clock_nanosleep', 'sem_timedwait', '__restore_rt'],
    ...['_ZSt9terminatev', 'std::terminate', 'std::vector<Item>::at', '__cxxabiv1::__terminate', '__cxa_throw'],
    ...[
      '__gnu_cxx::__verbose_terminate_handler',
      '_Unwind_Resume',
      'operator new',
      'std::thread::_State_impl<X>::_M_run',
    ],
    ...[
      'std::panicking::begin_panic_handler',
      'core::panicking::panic_fmt',
      'core::option::unwrap_failed',
      '__rust_try',
    ],
    ...[
      '<alloc::boxed::Box<F> as core::ops::function::FnOnce<A>>::call_once',
      'rust_begin_unwind',
      '__rustc::rust_panic',
    ],
    ...['core::ops::function::FnOnce::call_once', '<std::thread::JoinInner<T>>::join', 'rust_panic_with_hook'],
    ...[
      'runtime.gopanic',
      'runtime/debug.Stack',
      'sync.(*Mutex).lockSlow',
      'internal/poll.(*FD).Read',
      'runtime.goexit',
    ],
    ...[
      'syscall.Syscall6',
      'time.Sleep',
      'reflect.Value.Call',
      '_rt0_amd64_linux',
      'gogo',
      'x_cgo_thread_start',
      '_cgo_x',
    ],
    ...[
      'node::Abort',
      'node::OnFatalError',
      'V8_Fatal',
      'v8::internal::V8::FatalProcessOutOfMemory',
      'v8::base::OS::Abort',
    ],
    ...['node::(anonymous namespace)::DefaultAbortHandler', 'Builtins_JSEntryTrampoline'],
    ...['Py_FatalError', '_Py_FatalErrorFunc', 'take_gil', 'VMError::report_and_die', 'os::abort'],
  ]
  for (const name of machinery) t.equal(ownFunction({ module: SHOP, function: name }), undefined, name)
  const own = [
    ...['main', 'start', 'init', 'wait', 'abort_order', 'raise_price', 'clones', 'core::Engine::tick', 'alloc::grow'],
    ...['assert_invariants', 'standard::f', 'shop::<std::vec::Vec<T>>::f', 'main.main', 'example.com/sync.Run'],
    ...[
      'example.com/x/internal/db.Open',
      'rust_parser_run',
      'runtimes',
      'synchronize',
      'node::Start',
      'os::Path::join',
    ],
    ...['_start_shop', 'PyRun_SimpleString', 'timeout.Sleep', 'time.SleepAll', 'cgo_handler'],
  ]
  for (const name of own) {
    t.equal(ownFunction({ module: SHOP, function: name }), `shop!${name}`, name)
  }
})

t.test('a function is called the same whatever the compiler has made of it, and wherever its file lies', async (t) => {
  for (const name of ['pay', 'pay.cold', 'pay.part.0', 'pay.constprop.0.isra.0', 'pay.llvm.8877', 'pay.cold.3'])
    t.equal(ownFunction({ module: SHOP, function: name }), 'shop!pay')
  t.equal(ownFunction({ module: SHOP, function: 'main.(*Shop).pay.func1' }), 'shop!main.(*Shop).pay.func1')
  t.equal(ownFunction({ module: SHOP, function: '_ZN4shop3payEv.part.0' }), 'shop!shop::pay')
  for (const module of ['/opt/a/libpay.so.1.2.3', '/srv/libpay.so.2 (deleted)', 'libpay-1.2.so', 'libpay.so'])
    t.equal(ownFunction({ module, function: 'pay' }), 'libpay.so!pay')
  t.equal(ownFunction({ module: SHOP, offset: 0x1900 }), 'shop+0x1900')
  t.equal(ownFunction({ function: 'JS:*customer-4711 /x.js:1' }), undefined, 'names that a process has written')
  t.equal(ownFunction({ module: SHOP }), undefined)
})

const image = (loads: readonly number[]) => ({ loads: loads.map((address) => ({ address })) }) as unknown as Image
function frame(path: string, pc: number, over: Partial<NamedFrame> = {}, bias = 0x5566_0000_0000): NamedFrame {
  const module = { path, bias, image: image([0x1000, 0]) }
  return { ...{ pc, sp: 0, kind: 'return', by: 'cfi', at: pc - 1, module, address: pc - 1 - bias }, ...over }
}
const named = (name: string): Partial<NamedFrame> => ({ name: { function: name, offset: 1, source: 'symtab' } })

const crash = (of: { logged: string } | { unwound: { stacks: readonly SameStack[]; missed: readonly string[] } }) =>
  crashFingerprint({ label: 'c', identity: {}, ...of } as Crash)[0]?.fingerprint

t.test('a crash has the fingerprint that systemd-coredump’s own words would give it', async (t) => {
  const logged = (base: number, tid: number) => `Stack trace of thread ${tid}:
#0  0x00007f2a4c0891f5 raise (libc.so.6 + 0x891f5)
#1  0x0000${(base + 0x1900).toString(16)} n/a (shop + 0x1900)
#2  0x0000${(base + 0x1950).toString(16)} _ZN4shop3payEi (shop + 0x1950)

Stack trace of thread ${tid + 1}:
#0  0x00007f2a4c0891f5 other (shop + 0x1)`
  const bias = 0x5566_7788_0000
  const frames = [
    frame('/lib/libc.so.6', 0x7f2a4c0891f5, { kind: 'first', ...named('raise') }),
    frame('/lib/libc.so.6', 0x7f2a4c0891f5, { kind: 'signal' }),
    frame(SHOP, bias + 0x1900, {}, bias),
    frame(SHOP, bias + 0x1950, named('shop::pay'), bias),
  ]
  const other = { tids: [5], frames: [frame(SHOP, bias + 1, named('other'), bias)], end: { why: 'outermost' } as const }
  const unwound = crash({
    unwound: { stacks: [{ tids: [4], frames, end: { why: 'outermost' } }, other], missed: [] },
  })
  t.equal(crash({ logged: logged(bias, 4711) }), unwound)
  t.equal(crash({ logged: logged(0x5555_0000_0000, 17) }), unwound, 'of another address and pid')
  t.equal(crash({ logged: 'nothing of it' }), undefined)
  t.equal(crash({ unwound: { stacks: [], missed: [] } }), undefined)
  // A program at a fixed address: systemd-coredump counts from where it was loaded.
  const fixed = { path: SHOP, bias: 0, image: image([0x400238, 0x401000]) }
  const at = [{ ...frame(SHOP, 0x401136, {}, 0), module: fixed }]
  t.strictSame(plainFrames(at), [{ module: SHOP, offset: 0x1136 }])
})

t.test('of a hang, the threads that hang count, in any order, and no others', async (t) => {
  const stack = (tids: number[], ...names: string[]): SameStack => ({
    ...{ tids, end: { why: 'outermost' } },
    frames: [frame('/lib/libc.so.6', 1, named('futex_wait')), ...names.map((name) => frame(SHOP, 1, named(name)))],
  })
  const process = { pid: 7 } as ProcessTrace['process']
  const stacks = [stack([7, 11], 'accept_order', 'main'), stack([8], 'grab_b', 'b'), stack([9], 'grab_a', 'a')]
  const of = (hung: readonly object[], all = stacks) =>
    hangFingerprints(
      { process, stacks: all },
      hung.map((one) => ({ process, ...one }) as HungThread),
    )
  const waits = [
    { tid: 8, holder: 9 },
    { tid: 9, holder: 8 },
  ]
  const expected = fingerprintOf([plainFrames(stacks[2]?.frames ?? [])])
  const deadlock = { kind: 'deadlock', tid: 8, waits }
  t.strictSame(of([deadlock]), [{ of: 'deadlock', pid: 7, fingerprint: expected }])
  t.strictSame(of([{ ...deadlock, waits: waits.toReversed() }], stacks.toReversed()), of([deadlock]))
  const all = of([{ kind: 'deadlock', tid: 7, waits: [] }], [stack([7], 'join', 'aaa'), ...stacks])
  t.equal(all.length, 1)
  t.strictSame(all, of([{ kind: 'deadlock', tid: 7, waits: [] }], [...stacks, stack([7], 'join', 'aaa')]))
  t.strictSame(
    of([
      { kind: 'spinning', tid: 8, seconds: 9 },
      { kind: 'blocked', tid: 9, wchan: 'x' },
    ]),
    [
      { of: 'spinning', pid: 7, fingerprint: fingerprintOf([plainFrames(stacks[1]?.frames ?? [])]) },
      { of: 'blocked', pid: 7, fingerprint: expected },
    ],
  )
  t.strictSame(of([{ ...deadlock, process: { pid: 70 } }]), [], 'of another process')
  t.strictSame(of([{ kind: 'blocked', tid: 99, wchan: 'x' }]), [], 'of a thread whose stack was not taken')
})
