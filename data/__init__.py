"""What flows and what is stored: records, media access, subtitle and script formats, lexicons, the sample."""
