import { type Details, LIMITED, PAGES, PRINTED, STANDS } from '../words/details.ts'
import { FINGERPRINT } from '../words/fingerprint.ts'
import { type Kind, listOf, oneOf, type Reading, recordOf } from './read-shape.ts'

/** Characters of a path (PATH_MAX of Linux's limits.h), of a name (more than a unit, an id or a package has) and of a sentence. */
export const PATH = 4096
export const NAME = 512
export const SENTENCE = 2000
/** Of a reason among many: lists of them must fit into one message. */
const REASON = 300
/** Of a path, and of a program's name or a function, among many. */
const SHORT_PATH = 512
const SHORT = 64

const word = (text: string) => [text] as const

/** A record of a source; `needed` besides its name. */
const of = (source: string, members: Readonly<Record<string, Kind>>, needed: readonly string[] = []): Reading =>
  recordOf({ source: word(source), ...members }, ['source', ...needed])

const trouble = oneOf('kind', {
  blocked: recordOf({ kind: word('blocked'), comm: NAME, tid: 'number', wchan: NAME }, ['comm', 'tid']),
  failed: recordOf({ kind: word('failed') }, []),
  stopping: recordOf({ kind: word('stopping') }, []),
  killed: recordOf({ kind: word('killed'), comm: NAME, pid: 'number', count: 'number' }, []),
  short: recordOf({ kind: word('short'), group: NAME, percent: 'number' }, ['group', 'percent']),
  deadlock: recordOf({ kind: word('deadlock'), tid: 'number' }, ['tid']),
  spinning: recordOf({ kind: word('spinning'), tid: 'number' }, ['tid']),
  limit: recordOf({ kind: word('limit'), of: LIMITED, used: 'number', most: 'number' }, ['of', 'used', 'most']),
})

const thread = recordOf(
  {
    ...{ pid: 'number', comm: SHORT, unit: NAME, tid: 'number', name: SHORT },
    ...{ stand: STANDS, blocked: 'flag', wchan: SHORT, call: SHORT },
  },
  ['pid', 'comm', 'tid', 'name', 'stand', 'blocked'],
)

const gone = recordOf({ pid: 'number', comm: SHORT, unit: NAME, pod: NAME, namespace: NAME, containerName: NAME }, [
  'pid',
  'comm',
])

const available = recordOf({ from: 'size', least: 'size' }, ['from', 'least'])
const grew = recordOf({ pid: 'number', comm: SHORT, unit: NAME, grown: 'size', memory: 'size', killed: 'flag' }, [
  'grown',
  'memory',
  'killed',
])
const leftOut = recordOf({ path: SHORT_PATH, reason: REASON, times: 'number' }, ['path', 'reason', 'times'])
const cost = recordOf({ scope: NAME, bytes: 'size', ms: 'duration' }, ['scope', 'bytes', 'ms'])
const unfit = recordOf({ scope: NAME, bytes: 'size' }, ['scope', 'bytes'])
const torn = recordOf({ of: PAGES, pages: 'number' }, ['of', 'pages'])

const fingerprint = (value: unknown) => (typeof value === 'string' && FINGERPRINT.test(value) ? value : undefined)
const printed = recordOf({ of: PRINTED, path: SHORT_PATH, at: 'number', pid: 'number', fingerprint }, [
  'of',
  'fingerprint',
])

const fileRead = recordOf({ path: SHORT_PATH, bytes: 'size' }, ['path', 'bytes'])

const known = oneOf('source', {
  facts: of('facts', {
    ...{ processes: 'number', recorded: 'duration', available, grew: listOf(grew) },
    ...{ leftOut: listOf(leftOut), leftOutKinds: 'number' },
  }),
  stacks: of(
    'stacks',
    {
      ...{ processes: 'number', looks: 'number', stuck: 'number', threads: listOf(thread) },
      ...{ partial: 'number', narrow: 'number', gone: 'number', goneFirst: listOf(gone) },
    },
    ['processes'],
  ),
  traces: of(
    'traces',
    {
      ...{ processes: 'number', crashed: 'number', threads: 'number', frames: 'number', named: 'number' },
      fingerprints: listOf(printed),
    },
    ['processes', 'crashed'],
  ),
  live: of('live', {
    ...{ trouble, by: ['ptrace', 'gdb'], missed: listOf(REASON), beyond: 'number', late: 'number', ended: 'flag' },
  }),
  memory: of('memory', {
    ...{ scope: NAME, costs: listOf(cost), unfit, more: 'flag', whole: listOf(PAGES), pages: 'number' },
    ...{ compared: 'number', torn: listOf(torn), unread: 'size', kernel: NAME },
  }),
  executables: of('executables', { comm: NAME, pid: 'number' }),
  journal: of('journal', { entries: 'number', from: 'number', to: 'number', open: SENTENCE, headerBytes: 'size' }, [
    'entries',
  ]),
  files: of('files', {
    ...{ count: 'number', first: listOf(fileRead), unread: 'number', size: 'size', from: 'size', to: 'size' },
    ...{ older: 'flag', uid: 'number', gid: 'number', mode: 'number', modified: 'number', rotated: SHORT_PATH },
  }),
  cores: of('cores', { thread: 'number', unfinished: 'flag', handed: 'flag', unasked: SENTENCE }),
})

/** What a source knows besides, member by member: what is not as it should be is left out. Undefined where nothing can be made of it. */
export const readDetails = (value: unknown): Details | undefined => known(value) as Details | undefined
