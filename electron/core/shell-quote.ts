// Words for people to paste into a shell, as the window quotes them, too.
export { quoteForFish, quoteForPowershell, quoteForShell } from '../shell-quote.ts'
