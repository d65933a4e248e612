import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutant, mutantsOf, mutated } from './operators.ts'
import { digest } from './verdicts.ts'

export const ROOT = join(import.meta.dirname, '../..')

export interface Drawn {
  /** From the root. */
  readonly file: string
  readonly source: string
  readonly mutant: Mutant
  /** The whole file with the fault in it. */
  readonly mutated: string
  /** The line of the fault as it would be, by which a survivor is named in SURVIVORS.md. */
  readonly line: string
}

/** So many mutants of a folder of agent/. What is drawn by a seed hardly changes when the folder does: each has its lot by its own text. */
export function draw(folder: string, count: number, seed: string): { drawn: readonly Drawn[]; of: number } {
  const all = globSync(`agent/${folder}/**/*.ts`, { cwd: ROOT }).sort().flatMap(mutantsIn)
  const nth = new Map<string, number>()
  const lots = all.map((each) => {
    const name = `${each.file} ${each.line} ${each.mutant.to}`
    const n = (nth.get(name) ?? 0) + 1
    nth.set(name, n)
    return { each, lot: digest(`${seed} ${name} ${n}`) }
  })
  const sorted = lots.sort((a, b) => (a.lot < b.lot ? -1 : 1)).map(({ each }) => each)
  return { drawn: sorted.slice(0, count), of: all.length }
}

function mutantsIn(file: string): readonly Drawn[] {
  const source = readFileSync(join(ROOT, file), 'utf8')
  return mutantsOf(source).map((mutant): Drawn => {
    const text = mutated(source, mutant)
    const [start, end] = [text.lastIndexOf('\n', mutant.at - 1) + 1, text.indexOf('\n', mutant.at)]
    return { file, source, mutant, mutated: text, line: text.slice(start, end).trim() }
  })
}

/** Places around a mutant's beginning: a test that comes to it comes to one of them. Coverage counts an operator to its right side. */
export const placesOf = ({ at, from }: Mutant) => [at - 1, at + from.search(/\S/)] as const
