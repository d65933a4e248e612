import type { Machine } from '../../scripts/vm/machine.ts'

/** A user with a shell, and one of the system's users whose service was broken into. */
const USERS = { mallory: 4242, 'www-data': 33 } as const

/** A way to push out, forge or block evidence, as a line of bash; `refused`: the kernel has none of it. */
export interface Mischief {
  readonly name: string
  readonly as?: keyof typeof USERS
  readonly command: string
  readonly refused?: true
}

const CRASH = '/var/crash'
const MALLORY = '/usr/lib/vm/mallory'
const SHUTDOWN = 'MESSAGE_ID=98268866d1d54a499c4e98921d93bc40'
const COREDUMP = 'MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1'
/** As systemd-coredump names the core of another one's program. */
const FORGED = `${CRASH}/core.payd.0.$(tr -d - </proc/sys/kernel/random/boot_id).4711.$EPOCHSECONDS"000000"`
const ESCAPES = String.raw`$'\e]52;c;bWFsbG9yeQ==\a\n\tx'`
const lasting = (command: string) => `setsid --fork ${command} </dev/null >/dev/null 2>&1`

/** What Mallory does where /var/crash is open to everybody. `core` is where root's own core lies. */
export const mischief = (core: string): readonly Mischief[] => [
  {
    name: 'a sparse file of 16 GiB, dated tomorrow',
    command: `truncate -s 16G ${CRASH}/core.big; touch -d tomorrow ${CRASH}/core.big`,
  },
  {
    name: '600 files of one byte',
    command: `for n in {1..600}; do echo >${CRASH}/core.byte.$n; done; touch -d tomorrow ${CRASH}/core.byte.*`,
  },
  { name: '3,000 empty files', command: `cd ${CRASH}; echo core.empty.{1..3000} | xargs touch` },
  { name: '32 MiB in one file', command: `head -c 32M /dev/zero >${CRASH}/core.full` },
  { name: 'names that become one', command: `for n in a b c d e f; do echo $n >"${CRASH}/core ?$n"; done` },
  {
    name: 'names with escapes, line ends, and 255 bytes',
    command: `echo x >${CRASH}/${ESCAPES}; echo x >${CRASH}/$(printf '%0255d' 1)`,
  },
  { name: 'a name that is no UTF-8', command: String.raw`echo x >${CRASH}/$'core.\xff\xfe'` },
  { name: "a core as if of root's program", command: `echo forged >${FORGED}` },
  {
    name: 'attributes with an option of gdb in the place of a program',
    command: `for file in ${CRASH}/core.payd.*; do ${MALLORY} attribute $file 'user.coredump.exe=--eval-command=shell id' user.coredump.comm=payd user.coredump.signal=11; done`,
  },
  { name: "a report as if of root's program", command: `echo 'ProblemType: Crash' >${CRASH}/_usr_sbin_payd.0.crash` },
  {
    name: 'a panic that never was',
    command: `mkdir ${CRASH}/202601010000; echo 'Kernel panic - not syncing: mallory' >${CRASH}/202601010000/dmesg.202601010000`,
  },
  {
    name: 'a directory with 1,000 entries',
    command: `mkdir ${CRASH}/many; cd ${CRASH}/many; echo vmcore.{1..1000} | xargs touch`,
  },
  { name: 'another name for /etc/shadow', command: `ln /etc/shadow ${CRASH}/core.shadow`, refused: true },
  { name: 'a link to /etc/shadow', command: `ln -s /etc/shadow ${CRASH}/core.link` },
  { name: 'a pipe that nobody writes to', command: `mkfifo ${CRASH}/core.pipe` },
  {
    name: 'a lease on a core',
    command: `echo x >${CRASH}/core.held; ${lasting(`${MALLORY} hold ${CRASH}/core.held`)}`,
  },
  {
    name: 'a file that grows while it is read',
    command: lasting(`bash -c 'while sleep 0.5; do head -c 1M /dev/zero >>${CRASH}/core.growing; done'`),
  },
  {
    name: 'a file that becomes a pipe and a file again',
    command: lasting(
      `bash -c 'cd ${CRASH}; while sleep 0.5; do mkfifo core.swap; sleep 0.5; rm core.swap; echo x >core.swap; rm core.swap; done'`,
    ),
  },
  {
    name: 'an environment in the journal, as a service',
    as: 'www-data',
    command: `${MALLORY} log 1 MESSAGE=x COREDUMP_ENVIRON=x COREDUMP=x`,
  },
  {
    name: '300 more, from processes that are gone',
    as: 'www-data',
    command: `${MALLORY} vanish 300 MESSAGE=x COREDUMP_ENVIRON=x`,
  },
  {
    name: "a crash in the journal that calls root's core another one's",
    command: `${MALLORY} log 40 ${COREDUMP} MESSAGE=x COREDUMP_FILENAME=${core} COREDUMP_UNIT=mallory.service COREDUMP_EXE=/usr/bin/mallory COREDUMP_TRUNCATED=1`,
  },
  {
    name: 'who asked for the shutdown',
    command: `${MALLORY} log 3 ${SHUTDOWN} 'MESSAGE=root asked, says mallory' SYSLOG_IDENTIFIER=systemd-logind; ${MALLORY} vanish 3 ${SHUTDOWN} 'MESSAGE=root asked, says mallory'`,
  },
  { name: 'processes whose names end lines and drive terminals', command: lasting(`${MALLORY} called 20 ${ESCAPES}`) },
  { name: '60 processes', command: lasting(`${MALLORY} called 60 crowd`) },
  {
    name: 'a deleted file with such a name, held open',
    command: lasting(
      `bash -c 'name=/tmp/${String.raw`$(printf "a\n\tb\033[2J")`}; exec 3>"$name"; rm "$name"; sleep infinity'`,
    ),
  },
  {
    name: "crashes of Mallory's own, under root's program's name",
    command: `for n in 1 2; do ${MALLORY} crash crasher; done; true`,
  },
]

/** Does it all, one after the other; gives the names of what went otherwise than it says. */
export async function allMischief(machine: Machine, core: string, signal: AbortSignal): Promise<readonly string[]> {
  const otherwise: string[] = []
  for (const { name, as = 'mallory', command, refused = false } of mischief(core)) {
    const uid = USERS[as]
    const shell = `setpriv --reuid=${uid} --regid=${uid} --clear-groups bash -c ${quoted(command)}`
    const { code, stderr } = await machine.sh(`cd /tmp; ${shell}`, signal)
    if ((code === 0) === refused) otherwise.push(`${name}: ${code} ${stderr.trim()}`)
  }
  return otherwise
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`
