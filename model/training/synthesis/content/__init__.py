"""What documents say: words, values by country, running text, and wordings of questions."""
