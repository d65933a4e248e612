import { execFileSync } from 'node:child_process'
import { readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { type Freeze, openFullCore } from '../../../agent/collector/live-core/full-core.ts'
import { takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import type { Target } from '../../../agent/collector/live-core/target.ts'
import { built } from '../../built.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { backtraces, buildIds, gcore } from './judges.ts'
import { compile, limits, never, PROGRAMS, start, status, system, traced, until, without } from './patients.ts'
import { scratch } from './scratch.ts'

// gdb takes a second or two for each core.
t.setTimeout(300_000)

/** What is running, and how to make it: gdb must say the same of our cores as of gcore's, taken at the same standstill. */
const LANGUAGES: Record<string, { needs: string[]; make(directory: string): string[] }> = {
  'C, 64 threads': { needs: ['gcc'], make: (at) => [compile(at, 'threads')] },
  'C, spinning at -O2': { needs: ['gcc'], make: (at) => [compile(at, 'spin', ['-O2', '-g'])] },
  'C, deadlock': { needs: ['gcc'], make: (at) => [compile(at, 'deadlock', ['-O1', '-g'])] },
  'C, PIE without symbols': { needs: ['gcc'], make: (at) => [compile(at, 'threads', ['-O2', '-s', '-pie', '-fPIE'])] },
  'C, static musl': {
    needs: ['musl-gcc'],
    make: (at) => [compile(at, 'deadlock', ['-O1', '-g', '-static'], 'musl-gcc')],
  },
  Go: { needs: ['go'], make: (at) => [go(at)] },
  Node: { needs: [], make: () => [process.execPath, join(PROGRAMS, 'hang.mjs')] },
  Python: { needs: ['python3'], make: () => ['python3', join(PROGRAMS, 'hang.py')] },
  Java: { needs: ['javac', 'java'], make: (at) => java(at) },
}

function go(directory: string): string {
  const source = join(PROGRAMS, 'hang.go')
  const env = { ...process.env, GOCACHE: join(directory, 'cache'), HOME: directory }
  built(directory, source, ['go', 'build'], (to) =>
    execFileSync('go', ['build', '-o', join(to, 'hang'), source], { env, stdio: 'pipe' }),
  )
  return join(directory, 'hang')
}

function java(directory: string): string[] {
  const source = join(PROGRAMS, 'Hang.java')
  built(directory, source, ['javac'], (to) => execFileSync('javac', ['-d', to, source], { stdio: 'pipe' }))
  return ['java', '-Xmx64m', '-cp', directory, 'Hang']
}

const judged = traced.skip || without('gdb', 'eu-unstrip')

for (const [name, { needs, make }] of Object.entries(LANGUAGES)) {
  t.test(name, { skip: judged || without(...needs) }, async (t) => {
    const directory = scratch(t)
    const { target } = await start(t, directory, make(directory))
    // What has just said "ready" may still be on its way to where it hangs.
    await setTimeout(500)
    process.kill(target.pid, 'SIGSTOP')
    await until('it has stopped', () => status(target.pid, 'State').startsWith('T'))
    const program = readlinkSync(`/proc/${target.pid}/exe`)
    const resident = status(target.pid, 'VmRSS')

    const ours: Record<string, string> = { stacks: join(directory, 'stacks.core') }
    const { core, missed, threads } = await takeStackCore(target, limits, system, never)
    writeFileSync(join(directory, 'stacks.core'), core)
    for (const freeze of ['registers', 'whole'] as const) {
      ours[freeze] = join(directory, `${freeze}.core`)
      writeFileSync(ours[freeze], await whole(target, freeze))
    }
    t.same(missed, [])
    t.equal(status(target.pid, 'VmRSS'), resident, 'nothing was faulted in')
    await until('what was stopped before is so again', () => status(target.pid, 'State').startsWith('T'))

    const judge = gcore(target.pid, join(directory, 'gcore'))
    const [expected = {}, ...found] = backtraces(program, [judge, ...Object.values(ours)])
    const ids = buildIds(judge)
    rmSync(judge)
    t.equal(Object.keys(expected).length, 1 + threads)
    for (const [at, [kind, path]] of Object.entries(ours).entries()) {
      t.same(found[at], expected, `${kind}: backtraces`)
      const told = buildIds(path)
      t.same(
        ids.filter((id) => !told.includes(id)),
        [],
        `${kind}: build-ids`,
      )
      // That of Debian testing leaves out some of Java's own libraries.
      if (process.env.GDB === undefined) t.same(told, ids, `${kind}: no other build-ids`)
    }
  })
}

async function whole(target: Target, freeze: Freeze): Promise<Buffer> {
  await using reading = await openFullCore(target, freeze, limits, system, never)
  const chunks = await Array.fromAsync(allTaken(reading.chunks))
  return Buffer.concat(chunks)
}
