import { spawn } from 'node:child_process'
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debian, exists, type Suite } from '../../../scripts/vm/base.ts'

/**
 * What cores.test.ts asserts, with the gdb of Debian testing as the judge; the programs and their libraries are this machine's.
 * Run as root on Debian with mmdebstrap: node test/collector/live-core/by-testing-gdb.ts
 */
const SUITE: Suite = 'forky'
/** Without Python, which would be this machine's. */
const PACKAGE = 'gdb-minimal'
const LIMIT_MS = 15 * 60_000

const home = join(import.meta.dirname, '../../../.cache')
const tree = join(home, `${PACKAGE}-${SUITE}`)
const signal = AbortSignal.timeout(LIMIT_MS)
await mkdir(home, { recursive: true })
if (!(await exists(tree))) {
  await rm(`${tree}.partial`, { recursive: true, force: true })
  await debian(SUITE, 'extract', [PACKAGE], `${tree}.partial`, signal)
  await rename(`${tree}.partial`, tree)
}
const gdb = join(home, `gdb-${SUITE}`)
const libraries = join(tree, 'usr/lib/x86_64-linux-gnu')
const loader = join(libraries, 'ld-linux-x86-64.so.2')
await writeFile(gdb, `#!/bin/sh\nexec ${loader} --library-path ${libraries} ${join(tree, 'usr/bin/gdb')} "$@"\n`)
await chmod(gdb, 0o755)
const test = join(import.meta.dirname, 'cores.test.ts')
const run = ['sh', '-c', '"$GDB" --version && exec npm exec -- tap --reporter=tap "$0"', test]
const child = spawn('env', run, { stdio: 'inherit', env: { ...process.env, GDB: gdb }, signal })
process.exitCode = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
