"""Operations of API v3, as far as clients need them."""
