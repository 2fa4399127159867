DELETE FROM drill WHERE drill_id = %(drill_id)s
