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
    const kernels = kernel.flatMap(({ text, at }) => {
      const [, name, state] = LINK.exec(text) ?? []
      const stalled = STALLED.exec(text)
      if (stalled !== null)
        return [{ name: stalled[1] ?? stalled[2] ?? '', at, isUp: false, isStalled: true, evidence: PLACES.kernel }]
      return name === undefined
        ? []
        : [{ name, at, isUp: /^up$/i.test(state ?? ''), isStalled: false, evidence: PLACES.kernel }]
    })
    const networkds = lines.flatMap(({ unit, text, at }) => {
      const [, name, what] = unit === 'systemd-networkd.service' ? (CARRIER.exec(text) ?? []) : []
      return name === undefined
        ? []
        : [{ name, at, isUp: what === 'Gained', isStalled: false, evidence: PLACES.journal }]
    })
    const events = [...kernels, ...networkds].filter(({ at }) => at <= began).toSorted((a, b) => a.at - b.at)
    return [...Map.groupBy(events, ({ name }) => name)].flatMap(([name, of]) => {
      const last = of.at(-1)
      const wasUp = of.some(({ isUp }) => isUp)
      if (last === undefined || last.isUp || !(wasUp || last.isStalled)) return []
      const what = last.isStalled ? 'sends nothing any more' : 'lost its link, and had none since'
      return [
        {
          certainty: 'sure' as const,
          at: last.at,
          sentence: `The network interface ${name} ${what}.`,
          evidence: last.evidence,
        },
      ]
    })
  },
}
