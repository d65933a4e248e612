import t from 'tap'
import { mutantsOf, mutated } from './operators.ts'

const SOURCE = `import { a } from './a.ts'

/** At most 8 < 9. */
const LIMIT = 5_000
interface Shape {
  readonly width: 4
}
async function f(x: number, signal: AbortSignal) {
  // if (x) 3 < 4
  if (x < LIMIT && x !== 0) await g(\`y < 3\`)
  return abandonable(h('1 < 2'), within(Math.min(x, 7), signal))
}
`

t.test('faults are made in code, and not in comments, texts or types', async (t) => {
  const texts = mutantsOf(SOURCE).map((mutant) => mutated(SOURCE, mutant))
  const changed = texts.map((text) => text.split('\n').filter((line) => !SOURCE.includes(`${line}\n`)))
  t.same(
    changed.map((lines) => lines.map((line) => line.trim())),
    [
      ['const LIMIT = (5_000 * 8)'],
      ['if (!(x < LIMIT && x !== 0)) await g(`y < 3`)'],
      ['if (x <= LIMIT && x !== 0) await g(`y < 3`)'],
      ['if (x < LIMIT || x !== 0) await g(`y < 3`)'],
      ['if (x < LIMIT && x === 0) await g(`y < 3`)'],
      ['if (x < LIMIT && x !== 1) await g(`y < 3`)'],
      ["return abandonable(h('1 < 2'), (signal))"],
      ["return abandonable(h('1 < 2'), within((x), signal))"],
      ["return abandonable(h('1 < 2'), within(Math.min(x, (7 * 8)), signal))"],
    ],
  )
})
