import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildersRule, buildersRules } from '../findings/builders/rules.ts'
import { RULES } from '../findings/rules.ts'
import { readLayer } from '../settings/files.ts'
import { trustWay } from '../settings/trust.ts'
import { sentence } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { bytePath } from '../words/host-name.ts'
import { isAbsent } from './host/absent.ts'
import { openRegular } from './host/open-file.ts'

/** Where the image's builder lays down rules of his own: findings/RULES.md. */
const DIRECTORY = 'usr/lib/lastgasp/rules.d'
/** Files that are read, and rules in all. */
const MOST_FILES = 32
const MOST_RULES = 64
/** Bytes of a file that a rule looks at. */
const TEXT_BYTES = 64 * 1024

export interface BuildersRules {
  readonly rules: readonly BuildersRule[]
  /** What is wrong with a file, which then has none: a sentence each. */
  readonly problems: readonly string[]
}

/** The rules of the image's builder. A file that is broken, or that others than root can write, is left out, and told. */
export async function loadBuildersRules(root: string, signal: AbortSignal): Promise<BuildersRules> {
  const problems: string[] = []
  const own = new Set(RULES.map(({ name }) => name))
  const rules = new Map<string, BuildersRule>()
  for (const name of await filesIn(root, problems, signal)) {
    const path = join(root, DIRECTORY, name)
    try {
      const read = buildersRules(await readLayer(path, signal))
      const known = read.find(({ name }) => own.has(name) || name.startsWith('oom-') || rules.has(name))
      if (known !== undefined) throw new Error(`there is a rule ${known.name} already`)
      if (rules.size + read.length > MOST_RULES) throw new Error(`more than ${MOST_RULES} rules in all are not read`)
      for (const rule of read) rules.set(rule.name, rule)
    } catch (error) {
      problems.push(`${path}: ${sentence(error)}`)
    }
  }
  return { rules: [...rules.values()], problems }
}

async function filesIn(root: string, problems: string[], signal: AbortSignal): Promise<readonly string[]> {
  try {
    await abandonable(trustWay(root, DIRECTORY), signal)
    const names = await abandonable(readdir(join(root, DIRECTORY)), signal)
    const files = names.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).toSorted()
    if (files.length > MOST_FILES)
      problems.push(`/${DIRECTORY}: of ${files.length} files the first ${MOST_FILES} are read`)
    return files.slice(0, MOST_FILES)
  } catch (error) {
    if (!isAbsent(error)) problems.push(`/${DIRECTORY}: ${sentence(error)}`)
    return []
  }
}

/**
 * What the rules look at: of files of the kernel's the beginning, of others the end. What is not there, is no regular file, or does not answer in time is left
 * out: a rule of a file that cannot be read has seen nothing.
 */
export async function textsOf(
  root: string,
  rules: readonly BuildersRule[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const paths = new Set(rules.flatMap(({ file }) => file ?? []))
  const texts = await Promise.all(
    [...paths].map(async (path) => [path, await textOf(root, path, signal).catch(() => undefined)] as const),
  )
  return new Map(texts.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])))
}

async function textOf(root: string, path: string, signal: AbortSignal): Promise<string> {
  const { handle, stats } = await openRegular(bytePath(root, path), signal)
  using file = handle
  const from = Math.max(0, stats.size - TEXT_BYTES)
  return (await file.bytesAt(from, TEXT_BYTES, signal)).toString('utf8')
}
