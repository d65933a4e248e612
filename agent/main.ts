#!/usr/bin/env node
// The two resident processes are dispatched before anything else is loaded: they must stay small.
const [command, ...rest] = process.argv.slice(2)

if (command === 'daemon') {
  // Means that the host goes, and may come while it still comes up: heard before anything is loaded.
  const terms = twice('SIGTERM')
  const { runDaemon } = await import('./daemon/daemon.ts')
  await runDaemon(rest, terms, endedBy('SIGINT')).catch(usage)
} else if (command === 'collector') {
  const { runCollector } = await import('./collector/collector.ts')
  await runCollector(rest, endedBy('SIGINT', 'SIGTERM')).catch(usage)
} else {
  const { runProgram } = await import('./commands/program.ts')
  const { stdout, stderr, env } = process
  for (const stream of [stdout, stderr]) stream.on('error', whenReaderHasGone)
  const signal = endedBy('SIGINT', 'SIGTERM', 'SIGHUP')
  await runProgram(process.argv.slice(2), { stdout, stderr, env, signal })
  const { end } = await import('./commands/end.ts')
  end()
}

/** What parseArgs refuses is told in a line, `--help` too: these two are started by their units. */
function usage(error: NodeJS.ErrnoException): void {
  if (!error.code?.startsWith('ERR_PARSE_ARGS_')) throw error
  const [why] = error.message.split('. ', 1)
  const options = `[--socket PATH]${command === 'collector' ? ' [--hold PATH]' : ''} [--root DIR]${command === 'daemon' ? ' [--state DIR]' : ''} [--set table.key=value]...`
  process.stderr.write(`lastgasp ${command}: ${why}; usage: lastgasp ${command} ${options}\n`)
  process.exitCode = 2
}

/** Aborts at the first of these signals; the second one ends the process the ordinary way. */
function endedBy(...signals: readonly NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController()
  for (const signal of signals) {
    process.once(signal, () => stop.abort(new DOMException(`interrupted by ${signal}`, 'AbortError')))
  }
  return stop.signal
}

/** Aborts at the first and at the second of a signal, which never ends the process by itself. */
function twice(name: NodeJS.Signals): { readonly first: AbortSignal; readonly second: AbortSignal } {
  const [first, second] = [new AbortController(), new AbortController()]
  process.on(name, () => (first.signal.aborted ? second : first).abort())
  return { first: first.signal, second: second.signal }
}

function whenReaderHasGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
