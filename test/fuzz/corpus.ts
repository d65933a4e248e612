import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { marshalled } from '../collector/host/dbus-words.ts'
import { crash, writeJournal } from '../collector/host/journal/write-journal.ts'
import type { READERS } from './readers.ts'

const TEST = join(import.meta.dirname, '..')
const file = (path: string) => readFileSync(join(TEST, path))
const folder = (path: string, ends = '') =>
  readdirSync(join(TEST, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith(ends) ? [file(join(path, entry.name))] : [],
  )
const lines = (...all: readonly string[]) => [Buffer.from(all.join('\n')), ...all.map((line) => Buffer.from(line))]
/** Of programs, what readers look at first. */
const HEAD_BYTES = 256 * 1024
const unpacked = (path: string) => zstdDecompressSync(file(path)).subarray(0, HEAD_BYTES)

const ELF = [
  ...['x64-signals', 'arm64-signals', 'arm64-exceptions'].flatMap((name) =>
    ['core', 'program'].map((what) => unpacked(`collector/unwind/golden/${name}.${what}.zst`)),
  ),
  ...folder('collector/live-core/golden', '.core'),
]
const RULES = /```toml\n(.*?)```/s.exec(readFileSync(join(TEST, '../agent/findings/RULES.md'), 'utf8'))?.[1] ?? ''
const BUS = [
  marshalled({ type: 'return', replySerial: 3, signature: 'b', body: Buffer.from([1, 0, 0, 0]), sender: ':1.1' }, 1),
  marshalled(
    { type: 'signal', path: '/a', interface: 'a.b', member: 'C', signature: 's', body: Buffer.from('\x01\0\0\0x\0') },
    2,
  ),
  marshalled(
    { type: 'error', error: 'a.b', replySerial: 1, signature: 's', body: Buffer.from('\x01\0\0\0x\0'), strange: true },
    3,
  ),
]

/** What each reader is made for. */
export const CORPUS: { readonly [Name in keyof typeof READERS]: readonly Buffer[] } = {
  documents: folder('bundle/golden'),
  'keys of the index': lines(
    'v1/index/dt=2026-11-30/host-1/20261130T120000Z-0123456789abcdef.90.open',
    'v1/index/dt=2026-11-30/host-1/20261130T120000Z-0123456789abcdef.complete.healthy.json',
    'v1/index/dt=2026-11-30/host-1/20261130T120000Z-0123456789abcdef.partial.crash.previous.json',
  ),
  'seek tables': [file('fixtures/frames/v1.zst'), file('fixtures/frames/v1.zst').subarray(-200)],
  'places of frames': [file('fixtures/frames/v1.zst')],
  frames: [file('fixtures/frames/v1.zst'), ...folder('collector/unwind/golden', '.core.zst')],
  tar: [Buffer.concat([tarHeader('a/b', 3), Buffer.from('abc'.padEnd(512, '\0')), Buffer.alloc(1024)])],
  seals: folder('fixtures/seal'),
  keys: lines(
    'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX',
  ),
  'journal headers': [
    writeJournal([crash(7)]).subarray(0, 4096),
    ...folder('fixtures/journal').map((one) => one.subarray(0, 4096)),
  ],
  ELF,
  'ELF notes': ELF.map((one) => one.subarray(0, 16_384)),
  'tables of /proc': lines(
    '7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1000 10 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0',
    '55d0c0a00000-55d0c0a28000 r-xp 00002000 fd:00 1234   /usr/bin/a b (deleted)',
    '3 1 0:30 / /mnt/a\\040b\\134c rw shared:2 master:1 - nfs4 nas:/x rw',
    '0::/kubepods.slice/kubepods-pod0123.slice/cri-containerd-0123456789abcdef.scope',
    '202 0x7f 0x80 0x2 0x0 0x0 0xffffffff 0x7ffd 0x7f8e',
    '123456 789 10',
    '[<0>] futex_wait_queue+0x60/0x90\n[<0>] do_syscall_64+0x3b/0x90',
  ),
  'memory maps': [
    ...lines('00001000-0009fbff : System RAM', '  01000000-01e02fff : Kernel code', '100000000-13fffffff : System RAM'),
    ...folder('collector/machine-memory/golden', '.vmcore').map((one) => one.subarray(0, 8192)),
  ],
  BTF: [btf()],
  'names of cores': lines(
    'core.app.1000.0123456789abcdef0123456789abcdef.4711.1796123665304000.zst',
    '|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h',
    '/var/crash/core.%e.%p.%t',
  ),
  'mangled names': lines(
    '_ZNSt6vectorIiSaIiEE9push_backEOi',
    '_ZZ4mainENKUlvE_clEv',
    '_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE',
    '_RNvCs1234_7mycrate3foo',
    '_RINvNtC3std3mem8align_ofNtNtC3std3mem12DiscriminantE',
  ),
  'D-Bus': BUS,
  'D-Bus bodies': [...BUS, Buffer.from('\x04\0\0\0\0\0\0\0\x01\0\0\0a\0\0\0', 'latin1')],
  'what is remembered': folder('daemon/remembered/golden'),
  'environment files': lines('A=b', 'export B="c d" # e', "C='x\\'y'", 'HTTPS_PROXY=http://proxy:3128', '# no'),
  rules: [Buffer.from(RULES)],
  patterns: lines('^(?:a|b)+c{2,3}$', '(?i)error .* \\d{1,5}', '[^a-z0-9_]*x', 'pool timeout after (\\d+) ms'),
  words: lines(
    's3://bucket/prefix',
    'file:///srv/bundles',
    '/var/log/**/*.log',
    'unit:web-*.service',
    '64MiB',
    '1.5h',
    '90s',
  ),
}

/** ustar: pax(1). */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** A structure with one member: linux/btf.h. */
function btf(): Buffer {
  const strings = Buffer.from('\0task_struct\0pid\0int\0')
  const types = Buffer.alloc(12 + 4 + 12 + 12)
  types.writeUInt32LE(17, 0)
  types.writeUInt32LE(1 << 24, 4)
  types.writeUInt32LE(4, 8)
  types.writeUInt32LE(32, 12)
  types.writeUInt32LE(1, 16)
  types.writeUInt32LE((4 << 24) | 1, 20)
  types.writeUInt32LE(4, 24)
  types.writeUInt32LE(13, 28)
  types.writeUInt32LE(1, 32)
  const head = Buffer.alloc(24)
  head.writeUInt16LE(0xeb9f, 0)
  head.writeUInt8(1, 2)
  head.writeUInt32LE(24, 4)
  head.writeUInt32LE(types.length, 12)
  head.writeUInt32LE(types.length, 16)
  head.writeUInt32LE(strings.length, 20)
  return Buffer.concat([head, types, strings])
}
