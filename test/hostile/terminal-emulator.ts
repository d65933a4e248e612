import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** ms: a terminal that has shown nothing by then is broken itself. */
const PATIENCE = 10_000

/**
 * Shows a text on a real terminal (tmux, with the clipboard that a program may write to) and gives what it has done there besides
 * being read, one sentence each.
 */
export async function faultsOnTerminal(text: string, scratch: string): Promise<string[]> {
  const [socket, file] = ['tmux', 'shown'].map((name) => join(scratch, name)) as [string, string]
  await writeFile(file, text)
  const tmux = async (...args: readonly string[]) =>
    (await run('tmux', ['-S', socket, '-f', '/dev/null', ...args]).catch(() => ({ stdout: '' }))).stdout
  const program = `printf '\\033]2;untouched\\007'; cat ${file}; tmux -S ${socket} wait-for -S shown; exec sleep 60`
  try {
    await tmux('new-session', '-d', '-x', '80', '-y', '24', `tmux -S ${socket} wait-for ready; ${program}`)
    await tmux('set-option', '-s', 'set-clipboard', 'on')
    await tmux('set-option', '-g', 'allow-rename', 'on')
    const shown = tmux('wait-for', 'shown')
    await tmux('wait-for', '-S', 'ready')
    await Promise.race([shown, sleep(PATIENCE, undefined, { ref: false })])
    const buffer = await tmux('show-buffer')
    const title = (await tmux('display-message', '-p', '#{pane_title}')).trim()
    return [
      ...(buffer === '' ? [] : [`it wrote to the clipboard: ${JSON.stringify(buffer)}`]),
      ...(title === 'untouched' ? [] : [`it set the title: ${JSON.stringify(title)}`]),
    ]
  } finally {
    await tmux('kill-server')
  }
}
