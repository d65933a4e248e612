import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { bytePath, shownName } from '../../agent/words/host-name.ts'

t.test('a name that is no UTF-8 is found by its bytes, and shown without loss', async (t) => {
  const root = `${t.testdir()}/dé`
  mkdirSync(root)
  for (const name of ['caf\xe9', 'cafÃ©', 'plain']) writeFileSync(bytePath(root, name), name)
  const listed = readdirSync(root, 'latin1').sort()
  t.same(listed, ['cafÃ©', 'caf\xe9', 'plain'].sort())
  for (const name of listed) t.equal(readFileSync(bytePath(root, `/${name}`), 'utf8'), name)
  t.same(listed.map(shownName).sort(), ['café', 'caf\\xe9', 'plain'].sort())
  t.equal(bytePath('/', 'proc/1').toString(), '/proc/1')
})
