import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Overlay, readEnvironment } from '../../../agent/daemon/standing/environment.ts'

const never = new AbortController().signal

t.test('a problem names three of the names that are none, and forty characters of each', async (t) => {
  const root = t.testdir({ etc: { lastgasp: {} } })
  t.strictSame(await readEnvironment(root, never), { variables: new Map(), problems: [] })
  const path = join(root, 'etc/lastgasp/environment')
  mkdirSync(join(root, 'etc/lastgasp'), { recursive: true })
  writeFileSync(path, `A=1\n1=a\n2=b\n${'3'.repeat(41)}=c\n4=d\n`, { mode: 0o640 })
  const { variables, problems } = await readEnvironment(root, never)
  t.strictSame([...(variables ?? [])], [['A', '1']])
  t.strictSame(problems, [`${path}: left out, for no variable has such a name: "1", "2", "${'3'.repeat(40)}"`])
})

t.test('what was laid gives way to what the process was started with', async (t) => {
  const process: NodeJS.ProcessEnv = { OWN: 'at the start', BOTH: 'at the start' }
  const overlay = new Overlay(process)
  overlay.lay(
    new Map([
      ['BOTH', 'of the file'],
      ['NEW', 'of the file'],
    ]),
  )
  t.strictSame(process, { OWN: 'at the start', BOTH: 'of the file', NEW: 'of the file' })
  overlay.lay(new Map([['NEW', 'later']]))
  t.strictSame(process, { OWN: 'at the start', BOTH: 'at the start', NEW: 'later' })
  overlay.lay(new Map())
  t.strictSame(process, { OWN: 'at the start', BOTH: 'at the start' })
})
