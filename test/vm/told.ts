import { equal, match, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Finding } from '../../agent/bundle/schema.ts'
import type { Bucket } from './bucket.ts'
import type { Operator } from './operator.ts'

/** What an operator is told of the newest bundle. */
export interface Told {
  /** What `show` prints, up to the first empty line: the verdict. */
  readonly head: string
  /** The first word of the host's end, as it stands in the row's key. */
  readonly why: string
  readonly findings: readonly Finding[]
}

export async function toldOfLatest(operator: Operator, bucket: Bucket, signal: AbortSignal): Promise<Told> {
  const [text, json] = await Promise.all([
    operator.lastgasp(['show', 'latest'], bucket.url, signal),
    operator.lastgasp(['show', 'latest', '-o', 'json'], bucket.url, signal),
  ])
  equal(text.code, json.code, `show: ${text.stderr}${json.stderr}`)
  const { why, findings } = JSON.parse(json.stdout) as Pick<Told, 'why' | 'findings'>
  return { head: text.stdout.split('\n\n')[0] ?? '', why, findings }
}

/** Who died of this boot and how, each as `crash 11 crasher of victim.service`, in the order in which they are told. */
export function deaths({ findings }: Told): readonly string[] {
  return findings
    .filter(({ kind, boot }) => (kind === 'crash' || kind === 'oom') && boot !== 'earlier')
    .map(({ kind, signal, subject: { exe, comm, unit } }) => {
      const program = exe === undefined ? comm : basename(exe)
      return `${kind}${signal === undefined ? '' : ` ${signal}`} ${program} of ${unit}`
    })
}

/** The verdict names everybody who died by program and unit, and does not say that nothing had crashed. */
export function checkNamed({ head, findings }: Told): void {
  ok(!/nothing had crashed/i.test(head), head)
  for (const { subject } of findings.filter(
    ({ boot, kind }) => boot !== 'earlier' && ['crash', 'oom'].includes(kind),
  )) {
    for (const name of [subject.unit, basename(subject.exe ?? subject.comm ?? '')])
      ok(name && head.includes(name), `show names ${name}: ${head}`)
  }
}

/** Each of these services, which crashed in `stop_badly` while the host went down, is told of by function. */
export async function checkCrashesTold(
  names: readonly string[],
  { bucket, operator, scratch }: { readonly bucket: Bucket; readonly operator: Operator; readonly scratch: string },
  signal: AbortSignal,
): Promise<void> {
  const to = join(scratch, 'traces')
  const args = ['fetch', 'latest', '--only', 'traces', '--to', to, '--identity', operator.identity]
  const { code, stdout, stderr } = await operator.lastgasp(args, bucket.url, signal)
  ok(code === 0 || code === 4, `fetch: ${stdout}${stderr}`)
  // A crash before the traces were made is in the first, all others are in the late ones.
  const files = ['traces', 'traces-late'].map((name) => readFile(join(to, name, 'traces.txt'), 'utf8').catch(() => ''))
  const crashes = (await Promise.all(files)).flatMap((text) => text.split(/^(?=\S+ \d+ crashed {2})/m))
  for (const name of names) {
    const head = new RegExp(`^stopper \\d+ crashed {2}signal 11 {2}\\S+ {2}${name}\\.service `)
    const told = crashes.find((text) => head.test(text)) ?? ''
    match(told, /\(crashed\)\n[\s\S]* stop_badly\+0x[\s\S]* main\+0x/, `${name} in: ${crashes.join('')}`)
  }
}
