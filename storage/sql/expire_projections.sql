-- Forgets projections that were deleted a month ago: nobody repeats a call so late.
DELETE FROM projection WHERE deleted_at < %(before)s
