import t from 'tap'
import { findingsOf } from '../../agent/findings/findings.ts'
import { panicsIn } from '../../agent/findings/panic-words.ts'

/** As pstore has it of Linux 6.12, put together by systemd-pstore. */
const SYSRQ = `Panic#1 Part1
<6>[   88.100000] sysrq: Trigger a crash
<0>[   88.123456] Kernel panic - not syncing: sysrq triggered crash
<4>[   88.123500] CPU: 1 UID: 0 PID: 512 Comm: bash Not tainted 6.12.117+deb13-cloud-amd64 #1  Debian
<4>[   88.123600] Call Trace:
`
const log = (text: string, over: object = {}) => ({ artifact: 'pstore/a.dmesg.txt.zst', at: 1000, text, ...over })
const seen = { deaths: [], kills: undefined, began: Infinity, unseen: [] }

t.test('a panic, who was running, and why', (t) => {
  t.same(panicsIn([log(SYSRQ)]), [
    {
      cause: 'as it was told to by sysrq',
      subject: { comm: 'bash', pid: 512 },
      at: 1000,
      evidence: [{ artifact: 'pstore/a.dmesg.txt.zst' }],
    },
  ])
  const why = (words: string) => panicsIn([log(`[    1.5] Kernel panic - not syncing: ${words}`)])[0]?.cause
  t.equal(why('Fatal exception in interrupt'), 'after a fault in its own code')
  t.equal(why('Attempted to kill init! exitcode=0x0000000b'), 'because process 1 had ended')
  t.equal(why('Out of memory: compulsory panic_on_oom is enabled'), 'for want of memory')
  t.equal(why('hung_task: blocked tasks'), 'because tasks were blocked for too long')
  t.equal(why('secret words of a module'), undefined, 'none of the host’s own words are told')
  t.end()
})

t.test('only the kernel itself says so', (t) => {
  const forged = ['<12>[   88.1] Kernel panic - not syncing: sysrq triggered crash', 'Kernel panic - not syncing: x']
  for (const line of [...forged, '<4>[   88.1] shop: Kernel panic - not syncing: sysrq', '<4>[   1.0] Oops: 0002'])
    t.same(panicsIn([log(line)]), [], line)
  const named = SYSRQ.replace('Comm: bash', 'Comm: a\u202eb')
  t.same(panicsIn([log(named)])[0]?.subject, { pid: 512 }, 'a name that nobody sees as it is is none')
  t.end()
})

t.test('two logs of one panic are one, and of several the newest is of that boot', (t) => {
  const dumped = log(SYSRQ.replace(/<\d>/g, ''), { artifact: 'cores/x.dmesg.1.zst' })
  const [one, ...others] = panicsIn([log(SYSRQ), dumped])
  t.equal(others.length, 0)
  t.same(one?.evidence, [{ artifact: 'pstore/a.dmesg.txt.zst' }, { artifact: 'cores/x.dmesg.1.zst' }])
  const old = log('<0>[    7.0] Kernel panic - not syncing: Fatal exception', { at: 10 })
  const findings = findingsOf({ ...seen, panics: panicsIn([old, log(SYSRQ)]), end: 'cut' })
  t.match(findings, [
    {
      kind: 'panic',
      boot: 'this',
      sentence: 'The kernel panicked as it was told to by sysrq, while bash (pid 512) was running.',
    },
    { kind: 'panic', boot: 'unknown', sentence: 'The kernel panicked after a fault in its own code.' },
  ])
  t.equal(findings.length, 2, 'a panic is no end without a word')
  t.end()
})

t.test('how a boot ended that nobody captured', (t) => {
  const ended = (end: 'ordered' | 'unseen' | 'cut' | 'unknown') => findingsOf({ ...seen, end })
  t.match(ended('ordered'), [{ kind: 'healthy' }])
  t.match(ended('cut'), [{ kind: 'unknown', certainty: 'likely', sentence: /^The host went without a word/ }])
  t.match(ended('unseen'), [{ kind: 'unknown', sentence: /stopped in order, and its end was not captured/ }])
  t.match(ended('unknown'), [{ kind: 'unknown', sentence: /^How the host went is not on record/ }])
  const crash = { kind: 'crash', witness: 'coredump', boot: 'this', subject: { comm: 'shop' }, evidence: [] } as const
  t.match(
    findingsOf({ ...seen, deaths: [crash], panics: panicsIn([log(SYSRQ)]), end: 'cut' }).map(({ kind }) => kind),
    ['panic', 'crash'],
  )
  t.match(
    findingsOf({ ...seen, deaths: [crash], end: 'cut' }).map(({ kind }) => kind),
    ['crash', 'unknown'],
  )
  t.end()
})
