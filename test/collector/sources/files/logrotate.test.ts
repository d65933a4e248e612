import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scratch } from '../../crashed-cores/cores.ts'
import { readAll, readWhile } from '../../reading.ts'
import { look, MIB, put } from './host.ts'
import { LINE, linesIn, numbered } from './numbered.ts'

const missing = spawnSync('logrotate', ['--version']).error !== undefined && 'no logrotate'
const LONG = (12 * MIB) / LINE

/** Ways in which logrotate(8) is told to rotate. */
const WAYS: Readonly<Record<string, string>> = {
  'rename and create': 'create',
  'by date': 'create\n  dateext\n  dateformat -%Y%m%d-%s',
  'by date, before the extension': 'create\n  dateext\n  extension .log\n  dateformat -%Y%m%d-%s',
  'counted, before the extension': 'create\n  extension .log',
  copytruncate: 'copytruncate',
  'copytruncate by date': 'copytruncate\n  dateext\n  dateformat -%Y%m%d-%s',
  'compressed the next time': 'create\n  compress\n  delaycompress',
}

for (const [name, how] of Object.entries(WAYS)) {
  t.test(`logrotate: ${name}`, { skip: missing }, async (t) => {
    const root = scratch(t)
    const log = put(root, '/var/log/app.log', numbered(0, LONG))
    const [conf, state] = ['conf', 'state'].map((file) => join(root, file)) as [string, string]
    writeFileSync(conf, `"${log}" {\n  rotate 20\n  ${how}\n}\n`)
    chmodSync(conf, 0o644)
    const rotate = () => execFileSync('logrotate', ['--force', '--state', state, conf])
    const { found } = await look(root)
    const [newest, older] = ['app.log.zst', 'app.log@0.zst'].map((end) => found.find((one) => one.name.endsWith(end)))
    let next = LONG
    const write = (count: number) => {
      appendFileSync(log, numbered(next, count))
      next += count
    }
    write(10)
    rotate()
    write(10)
    const { content, outcome } = await readWhile(newest, (chunk) => {
      if (chunk !== 1) return
      write(10)
      // A name by date is taken for a second.
      if (!how.includes('dateext')) rotate()
      write(10)
    })
    t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: next - 1, holes: 0 })
    t.notOk(outcome.truncated)
    t.match(outcome.identity?.details, { rotated: /^app[.-]/ })
    if (how.includes('compress')) return t.rejects(readAll(older), /app\.log\.2\.gz may have them/)
    const before = await readAll(older)
    t.strictSame(linesIn(before.content), { first: 0, last: (4 * MIB) / LINE - 1, holes: 0 })
  })
}

t.test('logrotate: compressed at once', { skip: missing }, async (t) => {
  const root = scratch(t)
  const log = put(root, '/var/log/app.log', numbered(0, LONG))
  const conf = join(root, 'conf')
  writeFileSync(conf, `"${log}" {\n  rotate 20\n  create\n  compress\n}\n`)
  const { found } = await look(root)
  execFileSync('logrotate', ['--force', '--state', join(root, 'state'), conf])
  appendFileSync(log, numbered(LONG, 5))
  const { content, outcome } = await readAll(found.find(({ name }) => name.endsWith('app.log.zst')))
  t.strictSame(linesIn(content), { first: LONG, last: LONG + 4, holes: 0 })
  t.match(outcome.truncated, /8MiB from byte 4194304 on were not found beside it; app\.log\.1\.gz may have them/)
})
