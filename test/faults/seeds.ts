import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wrongWith } from './judge.ts'
import { type Played, play } from './play.ts'

/** What is wrong with one seed, in lines for a person: none, if nothing is. */
export async function tryOut(seed: number): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-faults-'))
  try {
    const played = await play(seed, directory)
    const wrong = wrongWith(played)
    return wrong.length === 0 ? [] : [...wrong, ...scenery(played), again(seed)]
  } catch (error) {
    return [(error as Error).stack ?? String(error), again(seed)]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function again(seed: number): string {
  return `again: npm run test:faults -- --seeds 1 --from ${seed}`
}

/** What the seed stands for. */
function scenery({ plot, weather, host, store, line }: Played): string[] {
  const { ms, rate, spells } = weather
  return [
    `told ${JSON.stringify(plot)}`,
    `a store of ${Math.round(ms)} ms, ${Math.round(rate)} B/s${spells.map((spell) => `; ${JSON.stringify(spell)}`).join('')}`,
    `a host with ${[...host.items.values()].map(({ name, bytes, conduct }) => `${name} (${bytes}: ${JSON.stringify(conduct)})`).join(', ')}`,
    `amiss: ${[...host.troubles, ...host.deaths.map((death) => JSON.stringify(death))].join(', ')}`,
    `faults met: ${store.met.length}`,
    line,
  ]
}
