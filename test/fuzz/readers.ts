import { parseIndexKey } from '../../agent/bundle/keys.ts'
import { salvageSchema } from '../../agent/bundle/salvage-schema.ts'
import { manifestSchema, openingSchema, planSchema, rowSchema } from '../../agent/bundle/schema.ts'
import { parseCorePattern } from '../../agent/collector/crashed-cores/core-pattern.ts'
import { parseCoredumpName } from '../../agent/collector/crashed-cores/coredump-name.ts'
import { readElfHead } from '../../agent/collector/crashed-cores/elf-head.ts'
import { coreLayout } from '../../agent/collector/elf/core-layout.ts'
import { executableIn } from '../../agent/collector/elf/executable.ts'
import { notesIn } from '../../agent/collector/elf/notes.ts'
import { LITTLE } from '../../agent/collector/elf/numbers.ts'
import { parseAuxiliaryVector } from '../../agent/collector/host/auxiliary-vector.ts'
import { flag, jobList, texts, unitList, variant } from '../../agent/collector/host/dbus.ts'
import { Messages } from '../../agent/collector/host/dbus-messages.ts'
import { parseHeader as parseJournalHeader } from '../../agent/collector/host/journal/header.ts'
import { parseMapping } from '../../agent/collector/host/mappings.ts'
import { parseMounts } from '../../agent/collector/host/mounts.ts'
import { parseStat } from '../../agent/collector/host/process-files.ts'
import { readStructures } from '../../agent/collector/machine-memory/first/btf.ts'
import { parseIomem } from '../../agent/collector/machine-memory/iomem.ts'
import { parseKcore } from '../../agent/collector/machine-memory/kcore-map.ts'
import { parseFrames, parseSchedule, parseSystemCall } from '../../agent/collector/sources/stacks/thread.ts'
import { readCoreProcess } from '../../agent/collector/unwind/core-process.ts'
import { demangled } from '../../agent/collector/unwind/names/demangle.ts'
import { readRemembered } from '../../agent/daemon/remembered/remembered.ts'
import { parseEnvironmentFile } from '../../agent/daemon/standing/environment-file.ts'
import { readRules } from '../../agent/findings/builders/schema.ts'
import { parsePattern } from '../../agent/findings/pattern/syntax.ts'
import { CutError, DamageError, plain } from '../../agent/frames/decode.ts'
import { parseMarker } from '../../agent/frames/marker.ts'
import { readPlaces } from '../../agent/frames/range.ts'
import { parseFooter, parseSeekTable } from '../../agent/frames/seek-table.ts'
import { parseJson } from '../../agent/operator/bundle/json.ts'
import { TarError, tarEntries } from '../../agent/operator/fetch/tar-entries.ts'
import { parseHeader } from '../../agent/seal/header.ts'
import { parseIdentities, parseRecipient } from '../../agent/seal/keys.ts'
import { parseLocation } from '../../agent/words/location.ts'
import { parseMembership } from '../../agent/words/membership.ts'
import { parsePathGlob } from '../../agent/words/path-glob.ts'
import { parseSelector } from '../../agent/words/selector.ts'
import { parseBytes, parseDuration } from '../../agent/words/units.ts'

/** A reader of bytes that somebody else has written. */
export interface Reader {
  /** What it does with bytes, to its end. */
  read(bytes: Buffer): unknown
  /** Whether what it throws is what it says that it throws: else only a plain Error with a sentence is. */
  readonly declares?: (error: unknown) => boolean
}

const never = new AbortController().signal
const text = (bytes: Buffer) => bytes.toString('utf8')
const lines = (bytes: Buffer) => text(bytes).split('\n')
const at = (bytes: Buffer) => async (from: number, length: number) => bytes.subarray(from, from + length)
/** In pieces, as a store gives them. */
async function* pieces(bytes: Buffer) {
  for (let from = 0; from < bytes.length; from += 4096) yield bytes.subarray(from, from + 4096)
}
async function all(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}
/** Of a bus: more is not kept. */
const MESSAGE_BYTES = 1024 * 1024
/** What ends a reader that has read as much as anybody looks at. */
const MOST_BYTES = 64 * 1024 * 1024
async function some(stream: AsyncIterable<Buffer>): Promise<void> {
  let read = 0
  for await (const chunk of stream) {
    read += chunk.length
    if (read > MOST_BYTES) return
  }
}

export const READERS: Readonly<Record<string, Reader>> = {
  documents: {
    read: (bytes) => {
      const json = parseJson(bytes)
      for (const schema of [manifestSchema, openingSchema, planSchema, rowSchema, salvageSchema]) schema.safeParse(json)
    },
    // JSON.parse and TextDecoder say themselves what is wrong.
    declares: (error) =>
      error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA',
  },
  'keys of the index': { read: (bytes) => lines(bytes).map(parseIndexKey) },
  'seek tables': { read: (bytes) => [parseFooter(bytes), parseSeekTable(bytes), parseMarker(bytes)] },
  'places of frames': {
    read: (bytes) => readPlaces(at(bytes), bytes.length, never),
    declares: (error) => error instanceof CutError || error instanceof DamageError,
  },
  frames: {
    read: (bytes) => some(plain(pieces(bytes), never)),
    declares: (error) => error instanceof CutError || error instanceof DamageError,
  },
  tar: { read: (bytes) => all(tarEntries(pieces(bytes), never)), declares: (error) => error instanceof TarError },
  seals: { read: (bytes) => parseHeader(bytes) },
  keys: { read: (bytes) => each(bytes, parseRecipient, parseIdentities) },
  'journal headers': { read: (bytes) => parseJournalHeader(bytes) },
  ELF: {
    read: async (bytes) => {
      await readElfHead(at(bytes))
      await coreLayout(at(bytes))
      await executableIn(at(bytes))
      await readCoreProcess(at(bytes))
    },
  },
  'ELF notes': { read: (bytes) => [...notesIn(bytes, LITTLE)] },
  'tables of /proc': {
    read: (bytes) => {
      for (const line of lines(bytes)) {
        parseStat(line, 4096)
        parseMapping(line)
        parseSchedule(line)
      }
      parseMounts(text(bytes))
      parseMembership(text(bytes))
      parseSystemCall(text(bytes), 'x64')
      parseFrames(text(bytes))
      parseAuxiliaryVector(bytes)
    },
  },
  'memory maps': {
    read: (bytes) => {
      attempt(() => parseIomem(text(bytes), 4096))
      attempt(() => parseKcore(bytes.subarray(0, 4096), bytes))
    },
  },
  BTF: { read: (bytes) => readStructures(bytes, ['task_struct', 'list_head']) },
  'names of cores': { read: (bytes) => each(bytes, parseCoredumpName, parseCorePattern) },
  'mangled names': { read: (bytes) => lines(bytes).map(demangled) },
  'D-Bus': {
    read: (bytes) => {
      const messages = new Messages(MESSAGE_BYTES)
      for (let from = 0; from < bytes.length; from += 100)
        for (const _ of messages.messages(bytes.subarray(from, from + 100)));
    },
  },
  'D-Bus bodies': {
    read: (bytes) => {
      for (const read of [unitList, jobList, variant, flag, (body: Buffer) => texts(body, 3)])
        attempt(() => read(bytes))
    },
  },
  'what is remembered': {
    read: (bytes) => readRemembered(text(bytes)),
    declares: (error) => error instanceof SyntaxError,
  },
  'environment files': { read: (bytes) => parseEnvironmentFile(text(bytes)) },
  rules: { read: (bytes) => readRules(text(bytes)) },
  patterns: { read: (bytes) => each(bytes, parsePattern) },
  words: { read: (bytes) => each(bytes, parseLocation, parsePathGlob, parseSelector, parseBytes, parseDuration) },
}

/** All of these, each with a sentence or without. */
function each(bytes: Buffer, ...readers: readonly ((text: string) => unknown)[]): void {
  for (const read of readers) for (const line of lines(bytes)) attempt(() => read(line))
}

function attempt(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!isSentence(error)) throw error
  }
}

/** A plain Error that says something: what the language itself throws is nobody's sentence. */
export function isSentence(error: unknown): boolean {
  return error instanceof Error && Object.getPrototypeOf(error) !== RangeError.prototype && !isOfLanguage(error)
}

const isOfLanguage = (error: Error) =>
  [TypeError, RangeError, ReferenceError, SyntaxError, URIError].some((type) => error instanceof type)
