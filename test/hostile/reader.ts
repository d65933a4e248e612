import { readFileSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { runProgram } from '../../agent/commands/program.ts'

/** What one command cost and said, read by `judge.ts`. */
export interface Read {
  readonly args: readonly string[]
  readonly exit: number
  /** ms of processor, all threads. */
  readonly cpu: number
  /** As a terminal gets them, or a file. */
  readonly stdout: string
  readonly stderr: string
}

export interface Report {
  readonly reads: readonly Read[]
  /** MiB: the most that this process had in memory. */
  readonly peakMiB: number
}

/** A terminal, or a file, that keeps what is written. */
function stream(isTTY: boolean) {
  const chunks: Buffer[] = []
  const through = new PassThrough()
  through.on('data', (chunk: Buffer) => chunks.push(chunk))
  const seen = Object.assign(through, { isTTY, columns: 80, hasColors: () => isTTY })
  return { seen: seen as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString('utf8') }
}

/** Runs commands one after the other, as an operator would, and writes what they cost and said to a file. */
async function read(commands: readonly (readonly string[])[]): Promise<Report> {
  const reads: Read[] = []
  for (const args of commands) {
    const isTTY = !args.includes('json')
    const [out, error] = [stream(isTTY), stream(isTTY)]
    const before = process.cpuUsage()
    process.exitCode = 0
    const signal = AbortSignal.timeout(100_000)
    await runProgram(args, { stdout: out.seen, stderr: error.seen, env: {}, signal })
    const { user, system } = process.cpuUsage(before)
    const cpu = (user + system) / 1000
    reads.push({ args, exit: Number(process.exitCode), cpu, stdout: out.text(), stderr: error.text() })
  }
  process.exitCode = 0
  // getrusage(2) would have the memory of the test in it, from before exec: proc_pid_status(5).
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return { reads, peakMiB: Number(peak) / 1024 }
}

const [commands = '[]', report = ''] = process.argv.slice(2)
writeFileSync(report, JSON.stringify(await read(JSON.parse(commands))))
