import t from 'tap'
import { golden, told } from './golden.ts'
import { fileOf, unwindCore } from './unwound.ts'

for (const name of ['x64-signals', 'arm64-signals', 'arm64-exceptions']) {
  t.test(`${name}: as recorded, by gdb`, async (t) => {
    const { core, program, frames } = golden(name)
    t.same(told(await unwindCore(core, () => fileOf('program', program))), frames)
  })
}
