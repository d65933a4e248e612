import { PLACES, type Rule } from '../rule.ts'

/** Share of the range: the kernel gives odd ones to bind(2), and to connect(2) only when the others are gone (ip-sysctl.rst, ip_local_port_range). */
const NEARLY = 0.95

export const ports: Rule = {
  name: 'ports',
  kind: 'exhausted',
  reason:
    'Towards one address and port there are as many connections as net.ipv4.ip_local_port_range has ports: connect(2) fails with EADDRNOTAVAIL, mostly for connections that were closed a minute ago and wait.',
  look: ({ ports: range }) =>
    range === undefined || range.used < range.most * NEARLY
      ? []
      : [
          {
            certainty: 'likely',
            sentence: `There are no more local ports towards one peer: ${range.used} of ${range.most} are in use.`,
            evidence: PLACES.sockets,
          },
        ],
}
