import type { Finding } from '../../bundle/schema.ts'
import { PLACES, type Rule } from '../rule.ts'

/** drivers/net/phy/phy.c, phy_print_status(); the drivers of Intel, Mellanox and Broadcom say it likewise, with words of their own before the name. */
const LINK = /(?:^|[ ])([a-z][\w.-]{0,14}):(?: \S{2,8}:)? (?:[a-z]\S{0,14} )?(?:NIC )?[Ll]ink (?:is )?([Uu]p|[Dd]own)\b/
/** net/sched/sch_generic.c, dev_watchdog(); since 6.8 behind the device's name. */
const STALLED = /(?:^NETDEV WATCHDOG: ([\w.-]{1,15}) \(|([\w.-]{1,15}): NETDEV WATCHDOG: CPU: \d+: transmit queue)/
/** systemd-networkd, link_carrier_lost(). */
const CARRIER = /^([\w.-]{1,15}): (Lost|Gained) carrier$/

export const network: Rule = {
  name: 'network',
  kind: 'failed',
  reason:
    'A network interface that was up and lost its link, and had not got it back when the host was told to go. One that was never up is a spare one.',
  look: ({ kernel, lines, began }) => {
    const events = [
      ...kernel.flatMap(({ text, at }) => kernelEvent(text, at) ?? []),
      ...lines.flatMap(({ unit, text, at }) => (unit === NETWORKD ? (carrierEvent(text, at) ?? []) : [])),
    ]
    const before = events.filter(({ at }) => at <= began).toSorted((a, b) => a.at - b.at)
    return [...Map.groupBy(before, ({ name }) => name)].flatMap(([name, of]) => {
      const last = of.at(-1)
      if (last === undefined || last.is === 'up') return []
      // The kernel says of one that was never up that it is down.
      if (last.is === 'down' && !of.some(({ is }) => is === 'up')) return []
      const what = last.is === 'stalled' ? 'sends nothing any more' : 'lost its link, and had none since'
      const sentence = `The network interface ${name} ${what}.`
      return [{ certainty: 'certain' as const, at: last.at, sentence, evidence: last.evidence }]
    })
  },
}

const NETWORKD = 'systemd-networkd.service'

interface Event {
  readonly name: string
  readonly at: number
  readonly is: 'up' | 'down' | 'lost' | 'stalled'
  readonly evidence: Finding['evidence']
}

function kernelEvent(text: string, at: number): Event | undefined {
  const [, before, after] = STALLED.exec(text) ?? []
  const stalled = before ?? after
  if (stalled !== undefined) return { name: stalled, at, is: 'stalled', evidence: PLACES.kernel }
  const [, name, state] = LINK.exec(text) ?? []
  if (name === undefined || state === undefined) return undefined
  return { name, at, is: /^up$/i.test(state) ? 'up' : 'down', evidence: PLACES.kernel }
}

function carrierEvent(text: string, at: number): Event | undefined {
  const [, name, what] = CARRIER.exec(text) ?? []
  return name === undefined ? undefined : { name, at, is: what === 'Gained' ? 'up' : 'lost', evidence: PLACES.journal }
}
