import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isAbsent } from '../../../agent/collector/host/absent.ts'
import { cannot } from '../../../agent/words/cannot.ts'

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

t.test('what is not there, also behind our own words, and what is there and cannot be had', async (t) => {
  const directory = t.testdir({ file: '' })
  const none = await thrownBy(readFile(join(directory, 'none')))
  t.ok(isAbsent(none))
  t.ok(isAbsent(cannot('read it', none)))
  t.ok(isAbsent(await thrownBy(readFile(join(directory, 'file/none')))))
  t.notOk(isAbsent(await thrownBy(readFile(directory))))
  t.notOk(isAbsent(cannot('read it', 'it is no regular file')))
  t.notOk(isAbsent('ENOENT'))
})
