from core.ui.comparison import Board

board = Board()
board.header()
board.choice()
board.result()
board.settings()
board.numbers()
board.standings()
