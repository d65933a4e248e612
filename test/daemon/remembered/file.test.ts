import { type PathLike, promises } from 'node:fs'
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { load, save } from '../../../agent/daemon/remembered/file.ts'
import type { Remembered } from '../../../agent/daemon/remembered/remembered.ts'

const SOMETHING = (await load(join(import.meta.dirname, 'golden'))) as Remembered

/** Tells, in order, what is forced onto the disk and what is renamed; each takes a moment. */
function steps(t: Test): readonly string[] {
  const told: string[] = []
  const { open, rename } = promises
  const aMoment = () => new Promise((resolve) => setTimeout(resolve, 20))
  const replace = (by: Pick<typeof promises, 'open' | 'rename'>) => {
    Object.assign(promises, by)
    syncBuiltinESMExports()
  }
  replace({
    open: async (path: PathLike, ...rest) => {
      const file = await open(path, ...rest)
      const sync = file.sync.bind(file)
      file.sync = async () => {
        await aMoment()
        await sync()
        told.push(`sync ${path}`)
      }
      return file
    },
    rename: async (from, to) => {
      await aMoment()
      await rename(from, to)
      told.push(`rename to ${to}`)
    },
  })
  t.teardown(() => replace({ open, rename }))
  return told
}

t.test('what is written is read again, and nothing else is left', async (t) => {
  const directory = t.testdir({})
  t.equal(await load(directory), undefined)
  await save(directory, SOMETHING)
  await save(directory, SOMETHING)
  t.strictSame(await load(directory), SOMETHING)
  t.strictSame(await readdir(directory), ['remembered.json'])
  t.equal((await stat(join(directory, 'remembered.json'))).mode & 0o777, 0o600)
})

t.test('it is on the disk, in this order, when it is said to be', async (t) => {
  const directory = t.testdir({})
  const told = steps(t)
  await save(directory, SOMETHING)
  const path = join(directory, 'remembered.json')
  t.strictSame(told, [`sync ${path}.next`, `rename to ${path}`, `sync ${directory}`])
})

t.test('what is no file of ours is not read, nor written through', async (t) => {
  const directory = t.testdir({ elsewhere: 'x', 'remembered.json': {} })
  await t.rejects(load(directory), /^cannot read .*remembered\.json: it is no regular file/)
  await symlink('elsewhere', join(directory, 'remembered.json.next'))
  await t.rejects(save(directory, SOMETHING), /^cannot write .*remembered\.json: /)
  t.equal(await readFile(join(directory, 'elsewhere'), 'utf8'), 'x')
  const long = t.testdir({})
  await writeFile(join(long, 'remembered.json'), ' '.repeat(2 ** 20))
  await t.rejects(load(long), /it is longer than \d+ bytes/)
})
