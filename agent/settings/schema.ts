import * as z from 'zod/mini'
import { parseRecipient } from '../seal/keys.ts'
import { IDENTITY } from '../words/identity.ts'
import { parseLocation } from '../words/location.ts'
import { SCOPE, SCOPE_FORMS } from '../words/memory-scope.ts'
import { FILES, FILES_FORMS, GLOB_FORMS, LOGS, PATH_GLOB, parseFiles, parsePathGlob } from '../words/path-glob.ts'
import { parseSelector, SELECTOR, SELECTOR_FORMS } from '../words/selector.ts'
import { choice, duration, list, size, table, text, textOr, texts, whole } from './kinds.ts'

/** age's X25519 recipient: bech32 (BIP 173) of 32 bytes with the prefix `age`, so 58 characters after `age1`. The seal checks the rest. */
const RECIPIENT = /^age1[02-9ac-hj-np-z]{58}$/
/** No credentials, no query: a store's own reading of the URL (words/location.ts) says the rest. */
const STORE = /^(s3:\/\/[^\s/@?#]+(\/[^\s?#]*)?|file:\/\/\/[^\s?#]*)$/
const ENDPOINT = /^https?:\/\/[^\s@?#]+$/
const REGION = /^[A-Za-z0-9_-]{1,64}$/
const ACCOUNT = /^\d{12}$/
/** A column's name in any database, and short enough for one. */
const LABEL = /^[a-z][a-z0-9_]{0,62}$/
const LABEL_VALUE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u
const ABSOLUTE = /^\/[^\0]*$/

/**
 * All settings: one schema for types, defaults, error messages and the published JSON Schema. Its input is what TOML
 * says (`"90s"`, `"64MiB"`), its output what the code counts in (ms, bytes). SETTINGS.md is its page for people.
 */
export const schema = table('Settings of lastgasp: one layer of them, all keys optional.', {
  store: z.optional(
    text(
      'Where bundles go: s3://bucket/prefix or file:///path.',
      STORE,
      '"s3://bucket/prefix" or "file:///path"',
      parseLocation,
    ),
  ),
  deadline: duration(
    'How long a capture may take, from the trigger to the closing manifest.',
    { least: '5s', most: '30min' },
    '90s',
  ),
  identity: z.optional(
    text(
      'What the host calls itself in keys; otherwise its instance id or machine id.',
      IDENTITY,
      '1 to 128 letters, digits, ".", "_" and "-", the first a letter or digit',
    ),
  ),
  labels: texts(
    'What the builder says of the host, for its manifests and rows: nothing secret, they are never sealed.',
    text('A label.', LABEL, 'a name of a-z, 0-9 and "_", the first a letter, of at most 63'),
    text('Its value.', LABEL_VALUE, '1 to 256 characters that can be seen'),
  ),
  executables: choice(
    'Which programs and libraries of captured processes are kept, so that their cores can be read later.',
    ['none', 'unpackaged'],
    'none',
  ),
  traces: choice(
    'Whose stacks are told as text, with names of functions: all that are taken, of crashed processes only, or none.',
    ['all', 'crashed', 'none'],
    'all',
  ),
  bundle: table('A bundle as a whole.', {
    limit: size(
      'How many bytes it may take of the store, sealed and compressed; what does not fit is left out, the most valuable last.',
      { least: '0B', most: '1024TiB' },
      '64GiB',
    ),
  }),
  s3: table('The S3 store.', {
    region: z.optional(text('Region of the bucket.', REGION, 'a region such as "eu-central-1"')),
    endpoint: z.optional(
      text('Endpoint of an S3-compatible store.', ENDPOINT, 'a URL such as "https://s3.example.net:9000"'),
    ),
    addressing: choice('Bucket in the host name (virtual) or in the path (path).', ['virtual', 'path'], 'virtual'),
    owner: z.optional(text('AWS account that must own the bucket.', ACCOUNT, '12 digits in quotes')),
    checksums: choice(
      'Whether requests carry a checksum wherever the operation supports one, or only where it is required.',
      ['supported', 'required'],
      'supported',
    ),
  }),
  seal: table('Encryption to public keys (age).', {
    recipients: list(
      'Public keys, age1…, that can open what leaves the host; with any, all but manifests leaves sealed.',
      text(
        'A recipient.',
        RECIPIENT,
        'an age X25519 recipient: "age1" and 58 more characters (lastgasp keygen)',
        parseRecipient,
      ),
      32,
      [],
    ),
    unsealed: choice(
      'Whether class memory (cores, stacks) may leave the host unsealed when there is no recipient.',
      ['deny', 'allow'],
      'deny',
    ),
  }),
  hold: table('Keeping applications running until live evidence is taken.', {
    wait: duration('How long a shutdown keeps applications running, at most.', { least: '0s', most: '2min' }, '10s'),
  }),
  facts: table('Kernel and process state.', {
    lines: whole('How many journal lines to take as text.', { least: 0, most: 100_000 }, 3000),
  }),
  stacks: table('Where every thread of the chosen processes stands.', {
    processes: list('Of which processes.', selector(), 32, ['services']),
    interval: duration(
      'How long after the first look threads are looked at again, to tell which have not moved.',
      { least: '0s', most: '5s' },
      '1s',
    ),
  }),
  live: table('Full cores of living processes.', {
    when: when('full cores are'),
    cores: list('Of which processes.', selector(), 32, ['failed']),
    with: choice(
      'What takes them: lastgasp itself (ptrace), or the gdb of the image (gcore), for what lastgasp cannot trace.',
      ['ptrace', 'gcore'],
      'ptrace',
    ),
    freeze: choice(
      'Whether a process stands still until all of it is read (whole), or for its registers and stacks only (registers).',
      ['whole', 'registers'],
      'whole',
    ),
    standstill: duration('How long a process stands still, at most.', { least: '10ms', most: '10s' }, '2s'),
    limit: size('How many bytes of live memory to read.', { least: '0B', most: '1024TiB' }, '16GiB'),
  }),
  memory: table("The machine's memory, as a filtered vmcore.", {
    when: when('it is'),
    scope: textOr(
      'kernel',
      "Which pages: none (off), the kernel's own, with shared memory or one unit's processes, or all.",
      SCOPE,
      SCOPE_FORMS,
    ),
  }),
  journal: table("journald's own files.", {
    limit: size('How many bytes of journal files to take, newest first.', { least: '0B', most: '1024TiB' }, '256MiB'),
    boots: whole('How many boots to take, counted back from this one.', { least: 1, most: 1000 }, 1),
  }),
  files: table('Log files, and what else of the host is named.', {
    paths: list(
      'Which files: "logs" for those of the host and its containers, where there are recipients, or globs.',
      text('A glob.', FILES, FILES_FORMS, parseFiles),
      64,
      [LOGS],
    ),
    memory: list(
      'Which of them hold memory of processes, besides those that are known by their names (heap dumps, cores).',
      text('A glob.', PATH_GLOB, GLOB_FORMS, parsePathGlob),
      64,
      [],
    ),
    limit: size('How many bytes of files to take, newest first.', { least: '0B', most: '1024TiB' }, '256MiB'),
    age: duration(
      'Files that nobody has written to for longer stay where they are.',
      { least: '1min', most: '3650d' },
      '7d',
    ),
  }),
  cores: table('Core dumps of crashed processes.', {
    limit: size('How many bytes of cores to read, newest first.', { least: '0B', most: '1024TiB' }, '16GiB'),
    age: duration('Cores that are older stay where they are.', { least: '1min', most: '3650d' }, '14d'),
    directories: list('Where to look for cores.', text('A directory.', ABSOLUTE, 'an absolute path'), 32, [
      '/var/lib/systemd/coredump',
      '/var/crash',
    ]),
  }),
  recorder: table('What the host was like, again and again, kept in memory until a capture takes it.', {
    interval: duration('How long after each other it is looked at.', { least: '1s', most: '5min' }, '5s'),
    span: duration('How long that is kept; 0s: nothing is looked at.', { least: '0s', most: '24h' }, '1h'),
  }),
  spool: table('What is kept on the disk while the store is out of reach.', {
    max: size('How many bytes it may take, at most; 0B: nothing is kept.', { least: '0B', most: '1024TiB' }, '1GiB'),
  }),
  log: table("lastgasp's own log.", {
    level: choice('The least that is logged.', ['debug', 'info', 'warn', 'error'], 'info'),
  }),
})

function when(what: string) {
  const choices = 'only where something is wrong with the host (trouble), always, or never'
  return choice(`When ${what} taken: ${choices}.`, ['trouble', 'always', 'never'], 'trouble')
}

function selector() {
  return text('Which processes: one selector.', SELECTOR, SELECTOR_FORMS, parseSelector)
}

type Parsed = Frozen<z.output<typeof schema>>

/** Settings that hold: validated, with every default filled in; durations in ms, sizes in bytes. */
export type Settings = Parsed & {
  readonly seal: {
    /** What is wrong with a settings layer, if one is broken: it may have closed what the others open. See SETTINGS.md. */
    readonly broken: string | undefined
  }
}

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T

/** The settings of a host on which nobody set anything. */
export function defaultSettings(): Settings {
  return complete(z.parse(schema, {}, QUIET), undefined)
}

/** Adds what no file can say. */
export function complete(parsed: z.output<typeof schema>, broken: string | undefined): Settings {
  const unsealed = broken === undefined ? parsed.seal.unsealed : 'deny'
  return { ...parsed, seal: { ...parsed.seal, unsealed, broken } }
}

/** No code generation for a schema that is used once or twice in the life of a process. */
export const QUIET = { jitless: true }
