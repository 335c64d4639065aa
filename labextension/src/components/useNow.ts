import * as React from 'react';

/** Return the present time, and draw a component again as it passes. */
export function useNow(every = 20000): number {
  const [now, pass] = React.useState(Date.now);
  React.useEffect(() => {
    const timer = setInterval(() => pass(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  // What happened since the last tick did not happen in the future.
  return Math.max(now, Date.now() - every);
}
