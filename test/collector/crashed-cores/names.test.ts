import t from 'tap'
import { parseCorePattern } from '../../../agent/collector/crashed-cores/core-pattern.ts'
import { COMPRESSED, parseCoredumpName } from '../../../agent/collector/crashed-cores/coredump-name.ts'
import { uniqueName } from '../../../agent/collector/sources/cores/unique-name.ts'

const boot = 'cfd2bc25fc2c4a0ba04e5d3a3b9bd7ad'

t.test("systemd-coredump's names", async (t) => {
  t.same(parseCoredumpName(`core.sleep.1000.${boot}.4711.1700000000123456.zst`), {
    comm: 'sleep',
    uid: 1000,
    bootId: boot,
    pid: 4711,
    at: 1700000000123,
  })
  const comm = (text: string) => parseCoredumpName(`core.${text}.0.${boot}.1.1700000000000000`)?.comm
  t.equal(comm('my\\x2eapp\\x20\\x2fx'), 'my.app /x')
  t.equal(comm('na\\xc3\\xafve'), 'naïve')
  t.equal(comm('back\\x5cslash'), 'back\\slash')
  for (const name of [
    'core',
    'core.4711',
    `core.a.b.1000.${boot}.1.1`,
    `core.a.1000.${boot}.1`,
    `.#core.a.0.${boot}.1.1`,
  ]) {
    t.equal(parseCoredumpName(name), undefined, name)
  }
  t.same(
    ['a.zst', 'a.lz4', 'a.xz', 'a.gz', 'a.core', 'zst'].map((name) => COMPRESSED.test(name)),
    [true, true, true, true, false, false],
  )
})

t.test('core_pattern', async (t) => {
  t.match(parseCorePattern('|/lib/systemd/systemd-coredump %P\n'), { kind: 'handler' })
  t.match(parseCorePattern('@/run/coredump.socket'), { kind: 'handler' })
  t.match(parseCorePattern('core'), { kind: 'scattered', text: 'core' })
  t.match(parseCorePattern('/cores/%e/core'), { kind: 'scattered' }, 'a directory that is named per process')
  const fields = (pattern: string, name: string) => {
    const parsed = parseCorePattern(pattern)
    return parsed.kind === 'directory' ? { ...parsed.files.exec(name)?.groups, in: parsed.directory } : undefined
  }
  t.match(fields('/tmp/core-%e-%p-%u-%s-%t', 'core-my-app-42-998-11-1700000000'), {
    in: '/tmp',
    comm: 'my-app',
    pid: '42',
    uid: '998',
    signal: '11',
    time: '1700000000',
  })
  t.match(fields('/core.%p.%P', 'core.7.7'), { in: '/', pid: '7' }, 'a specifier twice')
  t.match(fields('/c/core', 'core.123'), { pid: '123' }, 'core_uses_pid')
  t.same(fields('/c/core', 'core'), { in: '/c', pid: undefined })
  t.same(fields('/c/core', 'score'), { in: '/c' })
  t.same(fields('/c/a.b%%%h', 'axb%host'), { in: '/c' }, 'a dot is a dot')
  t.match(fields('/c/a.b%%%h', 'a.b%host.9'), { in: '/c' })
  t.match(fields('/c/core%', 'core'), { in: '/c', pid: undefined }, 'a lone % is dropped, core(5)')
})

t.test('a name that takes long to refuse', async (t) => {
  const pattern = parseCorePattern('/tmp/core.%e.%h.%g.%i.%u.%t.%s.%p.core')
  if (pattern.kind !== 'directory') throw new Error('it names a directory')
  const before = process.cpuUsage()
  for (const part of ['.', '1.', '.1', 'a', '1']) pattern.files.test(`core.${part.repeat(250).slice(0, 250)}`)
  const { user } = process.cpuUsage(before)
  t.ok(user < 2_000_000, `${user} µs`)
  t.ok(pattern.files.test('core.my app.web-1.example.net.33.7.33.1700000000.11.4711.core'))
})

t.test('names in the bundle', async (t) => {
  const names = new Set<string>()
  const given = ['app.1.core', 'app.1.core', 'a b/c.1.core', 'app.1.core', '..', 'x'].map((label, index) =>
    uniqueName(label, index === 3 ? '.lz4' : '', names),
  )
  t.same(given, [
    'cores/app.1.core.zst',
    'cores/app.1-2.core.zst',
    'cores/a_b_c.1.core.zst',
    'cores/app.1.core.lz4',
    'cores/_..zst',
    'cores/x.zst',
  ])
  const long = uniqueName(`${'a'.repeat(240)}.4711.core`, '.zst', names)
  t.equal(long, `cores/${'a'.repeat(99)}_${'a'.repeat(40)}.4711.core.zst`, 'its pid is kept')
  t.match(uniqueName(`${'a'.repeat(240)}.4711.core`, '.zst', names), /\.4711-2\.core\.zst$/)
  t.equal(uniqueName('b'.repeat(150), '', names), `cores/${'b'.repeat(150)}.zst`)
})
