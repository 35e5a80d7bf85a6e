"""The wallet equation (I4): opening + every flow of money since = what the venue says. Pure.

opening + Σ(realised PnL − commission of fills) + Σ funding + Σ other income = wallet, per asset,
exactly. Every figure is the venue's own.
"""

from dataclasses import dataclass
from decimal import Decimal

from tradeops.domain.money import ZERO

_MARGIN_ASSETS = ("FDUSD", "USDT", "USDC", "BUSD", "USD1", "BFUSD", "BTC", "ETH", "BNB")


@dataclass(frozen=True, slots=True)
class WalletEquation:
    """Both sides for one asset. `opening` is None while no wallet figure was told."""

    asset: str
    wallet: Decimal
    opening: Decimal | None
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    other: Decimal = ZERO

    @property
    def expected(self) -> Decimal:
        """What the wallet must hold."""
        flows = self.realized_pnl - self.commission + self.funding + self.other
        return (self.opening or ZERO) + flows

    @property
    def difference(self) -> Decimal:
        """Wallet - expected; 0 while there is no opening figure to begin with."""
        return ZERO if self.opening is None else self.wallet - self.expected


def margin_asset(symbol: str) -> str:
    """The asset in which a linear contract's profit is paid, by its name: BTCUSDT → USDT.

    Delivery contracts carry their date behind a `_`. "" when no known asset ends the name.
    """
    name = symbol.partition("_")[0]
    return next((asset for asset in _MARGIN_ASSETS if name.endswith(asset)), "")
