import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chooseFiles } from '../../../../agent/collector/sources/files/choose.ts'
import { FilesTable } from '../../../../agent/collector/sources/files/files-table.ts'
import { artifactName } from '../../../../agent/collector/sources/files/key.ts'
import type { Seen } from '../../../../agent/collector/sources/files/seen.ts'
import { HOUR, MIB } from './host.ts'

const NOW = Date.UTC(2026, 10, 30, 14)
const GOLDEN = join(import.meta.dirname, 'golden')

function file(path: string, size: number, hours = 0, more: Partial<Seen> = {}): Seen {
  const mtimeMs = NOW - hours * HOUR
  return {
    path,
    real: path,
    dev: 1,
    ino: 1,
    birthMs: 0,
    size,
    held: size,
    uid: 0,
    gid: 4,
    mode: 0o640,
    mtimeMs,
    ...more,
  }
}

const choose = (files: readonly Seen[], limit: number) =>
  chooseFiles(files, { limit, age: 24 * HOUR }, (path) => path.endsWith('.hprof'), NOW)
const told = (files: readonly Seen[], limit: number) =>
  choose(files, limit).own.map(({ seen, from, to, rank }) => `${seen.path} ${from / MIB}-${to / MIB} ${rank}`)

t.test('the newest end of each log comes before what is older of any', (t) => {
  const logs = [file('/b', 100 * MIB, 1), file('/a', 50 * MIB, 0), file('/c', 2 * MIB, 2)]
  t.strictSame(told(logs, 1024 * MIB), [
    ...['/a 42-50 0', '/b 92-100 0', '/c 0-2 0', '/a 10-42 1', '/b 60-92 1', '/a 0-10 2', '/b 0-60 2'],
  ])
  t.strictSame(told(logs, 20 * MIB), ['/a 42-50 0', '/b 92-100 0', '/c 0-2 0', '/a 40-42 1'], 'up to the limit')
  t.strictSame(told(logs, 9 * MIB), ['/a 42-50 0', '/b 99-100 0'])
  t.match(
    choose(logs, 9 * MIB).leftOut.map(({ reason }) => reason),
    [
      /^the first 42MiB of \/a, 50MiB, are left out: files.limit is 9MiB, 152MiB would take all/,
      /^the first 99MiB of \/b/,
      /^1 file, 2MiB, of what is beyond/,
    ],
  )
  t.strictSame(choose(logs, 0), { ...choose(logs, 0), small: [], own: [] })
  t.end()
})

t.test('whole or not at all: what is compressed, memory, and what has holes', (t) => {
  const files = [
    ...[
      file('/log', 20 * MIB, 3),
      file('/a.gz', 5 * MIB, 1),
      file('/b.xz', 50 * MIB, 0),
      file('/heap.hprof', 4 * MIB, 2),
    ],
    ...[file('/tiny.hprof', 10, 5), file('/empty.hprof', 0, 5), file('/lastlog', 900 * MIB, 4, { held: MIB })],
    file('/hollow', 2 ** 40, 4, { held: 10 }),
  ]
  t.strictSame(told(files, 20 * MIB), [
    ...[`/tiny.hprof 0-${10 / MIB} 0`, '/log 12-20 0', '/a.gz 0-5 0', '/heap.hprof 0-4 0', '/lastlog 0-900 0'],
    `/log ${10 + 10 / MIB}-12 1`,
  ])
  t.match(
    choose(files, 20 * MIB).leftOut.map(({ reason }) => reason),
    [
      /of \/log/,
      /^1 file, 50MiB, of what is beyond .*\/b\.xz/,
      /^1 file, 10B, longer than 64GiB by their holes \(\/hollow\)/,
    ],
  )
  t.end()
})

t.test('small ones: the newest, no more than fetch takes of a tar, and half of the limit', (t) => {
  const many = Array.from({ length: 3000 }, (_, at) => file(`/var/log/${at}`, 10, at / 1000))
  const { small, leftOut } = choose(many, 1024 * MIB)
  t.equal(small.length, 2000)
  t.equal(small[0]?.path, '/var/log/0')
  t.match(leftOut, [{ reason: /^1000 files, 9\.77KiB, of what is beyond the newest/, because: 'limit' }])
  const deep = many.map((one) => ({ ...one, path: `${'/d'.repeat(20)}${one.path}` }))
  t.equal(choose(deep, 1024 * MIB).small.length, Math.floor(20_000 / 24))
  const large = Array.from({ length: 100 }, (_, at) => file(`/${at}`, MIB - 1, at / 10))
  t.equal(choose(large, 1024 * MIB).small.length, 64)
  t.equal(choose(large, 20 * MIB).small.length, 10)
  t.end()
})

t.test('a directory that is flooded pushes out nothing of the others', (t) => {
  const flood = Array.from({ length: 5000 }, (_, at) => file(`/flood/${at}`, 10, 0))
  const others = [file('/var/log/syslog', 10, 5), file('/var/log/apt/term', 10, 9), file('/var/log/auth', 10, 7)]
  const { small } = choose([...flood, ...others], 1024 * MIB)
  t.equal(small.length, 2000)
  t.strictSame(
    small.slice(-3).map(({ path }) => path),
    ['/var/log/syslog', '/var/log/auth', '/var/log/apt/term'],
    'the newest first',
  )
  const long = Array.from({ length: 300 }, (_, at) => file(`/flood/${at}`, 2 * MIB, 0))
  const { own } = choose([...long, file('/var/log/big', 20 * MIB, 5)], 20 * MIB)
  t.match(own[1], { seen: { path: '/var/log/big' }, from: 12 * MIB, rank: 0 })
  t.end()
})

t.test('age, and clocks that are wrong', (t) => {
  const files = [
    file('/old', 10, 25),
    file('/new', 10, 23),
    file('/future', 10, -1000),
    file('/ancient', 10, NOW / HOUR),
  ]
  const { small, leftOut } = choose(files, MIB)
  t.strictSame(
    small.map(({ path }) => path),
    ['/future', '/new'],
  )
  t.match(leftOut, [{ reason: /^2 files, 20B, older than files.age = 24h \(\/old, …\)$/ }])
  t.end()
})

t.test('names of artifacts, as FILES.md has them (golden)', (t) => {
  const latin1 = (path: string) => Buffer.from(path).toString('latin1')
  const names = [
    ...['/var/log/syslog', '/var/log/.hidden/...', '/srv/a b%/c@d~e', '/a/\xff\n'].map((path) => artifactName(path)),
    artifactName(latin1('/srv/größe.log')),
    artifactName('/var/log/app.log', 12_582_912),
    artifactName(`/srv/${'x'.repeat(250)}.log`),
    artifactName(`/srv/${'\xfc'.repeat(200)}`),
    artifactName('/long'.repeat(300), 5),
  ]
  t.equal(`${names.join('\n')}\n`, readFileSync(join(GOLDEN, 'names.txt'), 'utf8'))
  t.equal(Math.max(...names.map(({ length }) => length)), 728)
  t.end()
})

t.test('files.tsv, as FILES.md has it (golden), and cut at whole lines', (t) => {
  const table = new FilesTable([
    [file('/var/log/big.log', 20 * MIB), 'own', undefined],
    [file('/var/log/link', 4, 1, { mode: 0o777 }), 'strange', 'a link to a\tb'],
  ])
  table.here(file('/var/log/\xff', 12, 2, { uid: 1000, mode: 0o4755 }), 10, 'from byte 2 on')
  table.left(file('/var/log/gone', 3, 3), 'gone', 'cannot open it: ENOENT')
  const text = table.text(10_000).toString()
  t.equal(text, readFileSync(join(GOLDEN, 'files.tsv'), 'utf8'))
  t.equal(table.text(text.length - 1).toString(), `${text.split('\n').slice(0, -2).join('\n')}\n`)
  t.end()
})
