import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * All of what must hold for the machine's memory: every Debian, with 1 and 4 GiB, with load and without. Takes about an hour;
 * `npm run test:vm` tries one Debian with 1 GiB. Run as root: node test/vm/memory-matrix.ts [--suite bookworm]...
 */
const TRIALS = [
  // as little as the suite boots with
  { scenario: 'memory-snapshot', env: {} },
  { scenario: 'memory-snapshot', env: { LASTGASP_MEMORY_MIB: '4096' } },
  { scenario: 'memory-idle', env: {} },
]

const failed: string[] = []
for (const { scenario, env } of TRIALS) {
  const trial = [scenario, ...Object.values(env)].join(' ')
  console.log(`== ${trial}`)
  if (!(await passes(scenario, env))) failed.push(trial)
}
console.log(failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

async function passes(scenario: string, more: NodeJS.ProcessEnv): Promise<boolean> {
  const env = { ...process.env, LASTGASP_FULL: '1', ...more }
  const run = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'run.ts')]
  const args = [...run, '--only', scenario, ...process.argv.slice(2)]
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' })
  return (await new Promise((resolve) => child.once('close', resolve))) === 0
}
