from core.ui.verdicts import Ledger

ledger = Ledger()
ledger.header()
ledger.filters()
ledger.table()
