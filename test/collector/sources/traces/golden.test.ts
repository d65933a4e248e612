import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { ProcessTrace, SameStack } from '../../../../agent/collector/kept-stacks/process-trace.ts'
import { crashJson, crashText } from '../../../../agent/collector/sources/traces/crash-files.ts'
import { processJson } from '../../../../agent/collector/sources/traces/process-json.ts'
import { processText } from '../../../../agent/collector/sources/traces/process-text.ts'
import type { NamedFrame } from '../../../../agent/collector/unwind/frame.ts'
import type { Image } from '../../../../agent/collector/unwind/image.ts'
import type { Module } from '../../../../agent/collector/unwind/modules.ts'

const module = (path: string, bias: number, buildId?: string): Module => ({
  ...{ path, bias },
  image: { path, machine: 62, loads: [], ...(buildId !== undefined && { buildId }) } as unknown as Image,
})
const LIBC = module('/usr/lib/x86_64-linux-gnu/libc.so.6', 0x7f2a4c000000, '0123456789abcdef0123456789abcdef01234567')
const SHOP = module('/opt/shop/sh\u001bop (deleted)', 0x556677880000)

function frame(of: Module | undefined, address: number, over: Partial<NamedFrame> = {}): NamedFrame {
  const at = (of?.bias ?? 0) + address
  const place = of === undefined ? {} : { module: of, address }
  return { pc: at + 1, sp: 0x7ffc00000000, kind: 'return', by: 'cfi', at, ...place, ...over }
}
const named = (name: string, offset: number): Partial<NamedFrame> => ({
  name: { function: name, offset, source: 'symtab' },
})

/** Threads that wait for each other, one in a handler, one in compiled code, and one of which nothing is known. */
const STACKS: readonly SameStack[] = [
  {
    tids: [9],
    frames: [frame(undefined, 0x1234, { kind: 'first', by: 'first' })],
    end: { why: 'lost', address: 0x1234 },
  },
  {
    tids: [7, 12, 13, 14, 15, 16, 17, 18, 19],
    frames: [
      frame(LIBC, 0x891f5, { kind: 'first', by: 'first', pc: LIBC.bias + 0x891f5, ...named('__lll_lock_wait', 0x2a) }),
      frame(SHOP, 0x1900, named(`Ledger<${'x'.repeat(200)}>::take`, 0x40)),
      frame(SHOP, 0x2000),
    ],
    end: { why: 'outermost' },
  },
  {
    tids: [8],
    frames: [
      frame(LIBC, 0x4000, { kind: 'first', by: 'first', ...named('pause', 9) }),
      frame(LIBC, 0x3c050, { kind: 'signal', by: 'cfi' }),
      frame(SHOP, 0x1800, { kind: 'interrupted', by: 'sigreturn', ...named('run', 1) }),
      frame(undefined, 0x7f0000001000, {
        by: 'frame-pointer',
        name: { function: 'LazyCompile:*go /opt/shop/go.js:1', offset: 17, source: 'perf-map' },
      }),
    ],
    end: { why: 'unreadable', address: 0x7ffc00008000 },
  },
]

const seen = (tid: number, state: string, over: object = {}) =>
  [tid, { tid, comm: 'shop', state, frames: [], ...over }] as const
const TRACE: ProcessTrace = {
  process: {
    ...{ pid: 7, comm: 'shop', state: 'S', threads: 11, start: 4711, memory: 1, own: 1, cgroup: '/shop.service' },
    ...{ unit: 'shop.service', exe: '/opt/shop/shop', pod: 'shop-1', namespace: 'web' },
  },
  freezeMs: 1.2345,
  stacks: STACKS,
  seen: new Map([
    seen(7, 'S', {
      ...{ wchan: 'futex_do_wait', call: { name: 'futex', args: [] } },
      frames: [
        'futex_do_wait+0x46/0x90',
        '__futex_wait+0x8a/0x100',
        'futex_wait+0x67/0x120',
        'do_futex+0xfd/0x250',
        'x+0x1/0x2',
      ],
    }),
    seen(12, 'S', { comm: 'worker\n' }),
    seen(8, 'D', { wchan: 'nfs_wait' }),
  ]),
  stands: new Map([
    [7, 'still'],
    [12, 'still'],
  ]),
  missed: ['only a part of it is here'],
}

const CRASH = {
  label: 'shop.7',
  core: '/var/lib/systemd/coredump/core.shop.0.1.7.1.zst',
  identity: { comm: 'shop', pid: 7, signal: 11, at: 1_700_000_000_000, unit: 'shop.service', exe: '/opt/shop/shop' },
}
const { core: _, ...HANDED } = CRASH
const LOGGED = `Stack trace of thread 7:
#0  0x00007f2a4c0891f5 raise (libc.so.6 + 0x891f5)
#1  0x0000556677889900 n/a (shop + 0x1900)
ELF object binary architecture: AMD x86-64`

const FILES: Readonly<Record<string, string>> = {
  'process.txt': processText(TRACE),
  'process.jsonl': processJson(TRACE),
  'crash.txt': crashText({ ...CRASH, unwound: { stacks: STACKS, missed: ['a page'] } }),
  'crash.jsonl': crashJson({ ...CRASH, unwound: { stacks: STACKS, missed: ['a page'] } }),
  'handed.txt': crashText({ ...HANDED, unwound: { stacks: STACKS, missed: [] } }),
  'handed.jsonl': crashJson({ ...HANDED, unwound: { stacks: STACKS, missed: [] } }),
  'logged.txt': crashText({ ...CRASH, logged: LOGGED }),
  'logged.jsonl': crashJson({ ...CRASH, logged: LOGGED }),
}

for (const [name, made] of Object.entries(FILES)) {
  t.test(`${name}, as TRACES.md has it (tap --snapshot writes it)`, async (t) => {
    const file = new URL(`golden/${name}`, import.meta.url)
    if (process.env.TAP_SNAPSHOT === '1') await writeFile(file, made)
    t.equal(made, await readFile(file, 'utf8'))
  })
}
