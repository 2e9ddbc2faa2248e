"""Names and symbols of the currencies that new instances know; any other code stands for itself."""

CURRENCIES: dict[str, tuple[str, str]] = {
    "EUR": ("Euro", "€"),
    "USD": ("US Dollar", "$"),
    "GBP": ("Pound Sterling", "£"),
    "CHF": ("Swiss Franc", "CHF"),
    "DKK": ("Danish Krone", "kr"),
    "SEK": ("Swedish Krona", "kr"),
    "JPY": ("Yen", "¥"),
}
