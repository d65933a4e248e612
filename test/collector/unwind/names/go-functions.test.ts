import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import t from 'tap'
import { GoTable } from '../../../../agent/collector/unwind/go-table.ts'
import { symbolsAt } from '../../../../agent/collector/unwind/names/elf-symbols.ts'
import { goFunctionAt } from '../../../../agent/collector/unwind/names/go-functions.ts'
import { unhurried } from '../../reading.ts'
import { imageOf } from './image.ts'

/** The compiler that checks us is a stripped Go program. */
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  `../@typescript/typescript-linux-${process.arch}/lib/tsc`,
)

t.test('functions of a stripped Go program', { skip: !existsSync(compiler) && 'no Go program is here' }, async (t) => {
  const image = await imageOf(compiler)
  const entry = Number(readFileSync(compiler).readBigUInt64LE(24))
  t.equal((await symbolsAt(image, [entry], unhurried())).size, 0, 'it has no symbols')
  const table = await GoTable.of(image, unhurried())
  if (table === undefined) return t.fail('it has no table')
  const found = await goFunctionAt(image, table, entry + 1, unhurried())
  t.strictSame(found, { name: `_rt0_${process.arch === 'x64' ? 'amd64' : 'arm64'}_linux`, start: entry })
  t.equal(await goFunctionAt(image, table, 1, unhurried()), undefined)
})
