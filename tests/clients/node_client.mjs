// Segment's library for Node, as published, at the address that is named: what it is told reaches the host.
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: 'wk_example', host: process.argv[2], flushAt: 3 })
let failed = 0
analytics.on('error', (error) => {
  failed += 1
  console.error(error)
})
analytics.track({ anonymousId: 'visitor-1', event: 'Product Viewed', properties: { sku: 'A-1' } })
analytics.identify({ userId: 'node-1', anonymousId: 'visitor-1', traits: { plan: 'gold', seats: 1.5, gone: null } })
analytics.track({ userId: 'node-1', event: 'Order Completed', properties: { total: 42.5 } })
analytics.page({ userId: 'node-1', name: 'Home' })
analytics.group({ userId: 'node-1', groupId: 'g1' })
analytics.identify({ userId: 'node-2', traits: { plan: 'trial' } })
// Batches travel side by side: an alias must not overtake the id that it replaces.
await analytics.flush()
analytics.alias({ previousId: 'node-2', userId: 'node-3' })
await analytics.closeAndFlush()
process.exit(failed)
