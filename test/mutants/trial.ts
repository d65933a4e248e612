import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './draw.ts'

const url = (path: string) => pathToFileURL(join(ROOT, path)).href

export interface Trial {
  readonly outcome: 'passed' | 'failed' | 'endless'
  readonly ms: number
}

/** A test that gives up at its first failure leaves what it has mounted: in a namespace of its own that goes with it, where we may make one. */
const APART = ['unshare', '--mount', '--propagation', 'private'] as const
const mayBeApart = spawnSync(APART[0], [...APART.slice(1), 'true']).status === 0

/** Runs one test file up to its first failure, with these variables in it and its children, for `limit` ms at most. */
export async function tried(test: string, env: Readonly<Record<string, string>>, limit: number): Promise<Trial> {
  const started = performance.now()
  const temporary = mkdtempSync(join(tmpdir(), 'lastgasp-mutant-'))
  const command = [process.execPath, `--import=${url('test/streams/with-poison.ts')}`, test]
  const [program = '', ...args] = mayBeApart ? [...APART, ...command] : command
  const child = spawn(program, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      ...env,
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${url('test/mutants/hook.ts')}`,
      TMPDIR: temporary,
      TAP_BAIL: '1',
      // Longer than we wait.
      TAP_TIMEOUT: String(Math.ceil(limit / 500)),
    },
    stdio: 'ignore',
    detached: true,
  })
  let endless = false
  const timer = setTimeout(() => {
    endless = true
    endGroup(child.pid)
  }, limit)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(timer)
  // It leaves what it has started, too, and what it has written.
  endGroup(child.pid)
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 })
  return { outcome: endless ? 'endless' : code === 0 ? 'passed' : 'failed', ms: performance.now() - started }
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
