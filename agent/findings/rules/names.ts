import type { Rule } from '../rule.ts'
import { saidOften } from './said-often.ts'

/** glibc's EAI_AGAIN, Go's net, Node, curl, Java, musl. */
const SAYS =
  /Temporary failure in name resolution|lookup \S{1,253}(?: on \S{1,64})?: (?:i\/o timeout|server misbehaving|read udp|Temporary failure)|getaddrinfo (?:EAI_AGAIN|ENOTFOUND)|Could not resolve host|java\.net\.UnknownHostException|Try again \(EAI_AGAIN\)/
const OFTEN = 3

export const names: Rule = {
  name: 'names',
  kind: 'failed',
  reason:
    'A service that says again and again that names cannot be resolved: the resolver or the way to it is lost. That a name does not exist is the service’s own affair.',
  look: (evidence) =>
    saidOften(
      evidence,
      SAYS,
      OFTEN,
      (unit, times) => `${unit} could not resolve names, as it has said ${times} times within ten minutes.`,
    ),
}
