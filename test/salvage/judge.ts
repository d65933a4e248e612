import { existsSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ended, lastgasp } from '../commands/lastgasp.ts'

/** How to reach a store, and what opens what is in it. */
export interface Reader {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** A file with an identity. */
  readonly key: string
  readonly scratch: string
}

/** What verify may say of a bundle that has been cut: it claims no more than it has. */
const FINE: readonly string[] = ['ok', 'truncated', 'unchecked']

/** What is wrong with a bundle that was salvaged, by the commands that an operator uses; empty where nothing is. */
export async function wrongWith(bundle: string, reader: Reader): Promise<string[]> {
  const run = (...args: string[]): Promise<Ended> => lastgasp([...args, ...reader.args], reader.env)
  const verified = await run('verify', bundle, '--identity', reader.key, '-o', 'json')
  if (![0, 4].includes(verified.code ?? -1)) return [`verify: ${verified.code} ${verified.stderr}${verified.stdout}`]
  const found = JSON.parse(verified.stdout).verified as readonly { artifact: string; status: string; reason?: string }[]
  const wrong = found
    .filter(({ status }) => !FINE.includes(status))
    .map((one) => `${one.artifact}: ${one.status}: ${one.reason}`)
  if (found.some(({ artifact }) => artifact === 'facts.tar.zst')) {
    const to = join(reader.scratch, 'facts')
    const fetched = await run('fetch', bundle, '--only', 'facts', '--identity', reader.key, '--to', to)
    const summary = join(to, 'facts/summary.txt')
    if (!existsSync(summary) || statSync(summary).size === 0) wrong.push(`facts: ${fetched.code} ${fetched.stderr}`)
    await rm(to, { recursive: true, force: true })
  }
  const shown = await run('show', bundle, '-o', 'json')
  if (JSON.parse(shown.stdout).unfinished?.length !== 0) wrong.push('show: there is something left to salvage')
  return wrong
}
